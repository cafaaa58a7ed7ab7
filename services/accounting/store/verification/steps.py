"""Claims on what transactions do to each other: what takes back, ends or takes a part, and what must not be there.

Each looks at the types it is about, which are few of all, before it asks for their ids and entries.
"""

# The entries of what a table expression names: by key and month, in the former tables by transaction_id.
_ENTRIES_OF = """(
    SELECT {named}.*, entry.account_id, entry.line, entry.effect, entry.amount_minor AS entry_minor
    FROM {named} JOIN journal_entry AS entry ON entry.key = {named}.key AND entry.month = {named}.month
    UNION ALL
    SELECT {named}.*, entry.account_id, entry.line, entry.effect, entry.amount_minor
    FROM {named} JOIN former_entry AS entry ON entry.transaction_id = {named}.transaction_id
    WHERE {named}.key IS NULL
)"""

_COLUMNS = """transaction_id, transaction_type, related_no, root_reference, merchant_id, currency_code, amount_minor,
        reverses_transaction_id"""

_TRANSACTIONS = f"""(
    SELECT {_COLUMNS}, key, month, former_id FROM journal_transaction WHERE {{journal}}
    UNION ALL
    SELECT {_COLUMNS}, NULL, NULL, NULL FROM former_transaction WHERE {{former}}
)"""


def _of_types(types: str) -> str:
    condition = f"transaction_type = ANY ({types})"
    return _TRANSACTIONS.format(journal=condition, former=condition)


def _entries_of(named: str) -> str:
    return _ENTRIES_OF.format(named=named)


# Each of the next statements returns the first difference, as (subject, detail), or no row.

_REVERSALS = _TRANSACTIONS.format(journal="transaction_type = 'Reversal'", former="reverses_transaction_id IS NOT NULL")
_REVERSED = _TRANSACTIONS.format(
    journal="""coalesce(former_id, key) IN (
        SELECT CASE WHEN reverses_transaction_id ~ '^txn_[0-9a-f]{32}$'
            THEN substr(reverses_transaction_id, 5)::uuid END
        FROM reversal)""",
    former="transaction_id IN (SELECT reverses_transaction_id FROM reversal)",
)

REVERSALS = f"""
WITH reversal AS (
    SELECT * FROM {_REVERSALS} AS transaction
), original AS (
    SELECT * FROM {_REVERSED} AS transaction
), concerned AS (
    SELECT transaction_id, key, month FROM reversal UNION SELECT transaction_id, key, month FROM original
), lines AS (
    SELECT transaction_id, array_agg(account_id || ' ' || entry_minor || ' ' || effect ORDER BY line) AS forth,
        array_agg(account_id || ' ' || entry_minor || ' ' || -effect ORDER BY line) AS back
    FROM {_entries_of("concerned")} AS entry
    GROUP BY transaction_id
), compared AS (
    SELECT reversal.transaction_id AS subject,
        CASE WHEN original.transaction_id IS NULL
                THEN 'reverses ' || reversal.reverses_transaction_id || ', which does not exist'
            WHEN original.transaction_type = 'Reversal' THEN 'reverses a reversal'
            WHEN taking.back IS DISTINCT FROM taken.forth
                THEN 'does not take back the entries of ' || original.transaction_id
        END AS detail
    FROM reversal
    LEFT JOIN original ON original.transaction_id = reversal.reverses_transaction_id
    LEFT JOIN lines AS taking ON taking.transaction_id = reversal.transaction_id
    LEFT JOIN lines AS taken ON taken.transaction_id = original.transaction_id
)
SELECT subject, detail FROM compared WHERE detail IS NOT NULL ORDER BY subject LIMIT 1
"""

# A lifecycle is known by its place in the arrays. What takes nothing out of transit needs no opening.
STEPS = f"""
WITH step AS (
    SELECT * FROM unnest($1::text[], $2::integer[], $3::boolean[]) AS step (transaction_type, lifecycle, ends)
), transit AS (
    SELECT * FROM unnest($4::integer[], $5::text[]) AS transit (lifecycle, account_kind)
), member AS (
    SELECT step.lifecycle, step.ends, transaction.*
    FROM {_of_types("$1::text[]")} AS transaction JOIN step ON step.transaction_type = transaction.transaction_type
), ended AS (
    SELECT lifecycle, related_no, min(transaction_id) FILTER (WHERE ends) AS subject,
        min(transaction_id) FILTER (WHERE NOT ends) AS opening, count(*) FILTER (WHERE NOT ends) AS openings,
        count(*) FILTER (WHERE ends) AS endings,
        count(DISTINCT coalesce(merchant_id, '') || ' ' || currency_code) AS owners,
        min(amount_minor) FILTER (WHERE ends) AS taken_minor, min(amount_minor) FILTER (WHERE NOT ends) AS put_minor
    FROM member
    GROUP BY lifecycle, related_no
    HAVING bool_or(ends)
), net AS (
    SELECT entry.lifecycle, entry.related_no, sum(entry.effect * entry.entry_minor) AS effect_minor
    FROM {_entries_of("member")} AS entry
    JOIN account ON account.account_id = entry.account_id
    JOIN transit ON transit.lifecycle = entry.lifecycle AND transit.account_kind = account.account_kind
    GROUP BY entry.lifecycle, entry.related_no, account.account_kind
), held AS (
    SELECT lifecycle, related_no, sum(abs(effect_minor)) AS left_minor FROM net GROUP BY lifecycle, related_no
), compared AS (
    SELECT subject,
        CASE WHEN openings = 0 AND (coalesce(held.left_minor, 0) <> 0
                OR NOT EXISTS (SELECT FROM transit WHERE transit.lifecycle = ended.lifecycle))
                THEN 'ends ' || ended.related_no || ', which was not opened'
            WHEN endings > greatest(openings, 1)
                THEN 'is not the only one to end ' || coalesce(opening, ended.related_no)
            WHEN owners > 1 THEN 'ends ' || opening || ' of another merchant or currency'
            WHEN taken_minor <> put_minor
                THEN 'takes out ' || taken_minor || ' where ' || opening || ' put in ' || put_minor
            WHEN held.left_minor <> 0 THEN 'leaves ' || held.left_minor || ' of ' || opening || ' in transit'
        END AS detail
    FROM ended LEFT JOIN held ON held.lifecycle = ended.lifecycle AND held.related_no = ended.related_no
)
SELECT subject, detail FROM compared WHERE detail IS NOT NULL ORDER BY subject LIMIT 1
"""

PORTIONS = f"""
WITH portions AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS portions (taking, opening, transit)
), taken AS (
    SELECT portions.opening, portions.transit, root_reference, min(transaction_id) AS subject,
        min(merchant_id) AS merchant_id, count(DISTINCT coalesce(merchant_id, '') || ' ' || currency_code) AS owners,
        min(currency_code) AS currency_code, sum(amount_minor) AS taken_minor
    FROM {_of_types("$1::text[]")} AS transaction
    JOIN portions ON portions.taking = transaction.transaction_type
    GROUP BY portions.opening, portions.transit, root_reference
), opened AS (
    SELECT * FROM {_of_types("$2::text[]")} AS transaction
), held AS (
    SELECT entry.transaction_id, account.account_kind, sum(entry.effect * entry.entry_minor) AS amount_minor
    FROM {_entries_of("opened")} AS entry
    JOIN account ON account.account_id = entry.account_id
    GROUP BY entry.transaction_id, account.account_kind
), compared AS (
    SELECT subject,
        CASE WHEN opened.transaction_id IS NULL
                THEN 'takes of ' || opening || ' ' || taken.root_reference || ', which does not exist'
            WHEN owners > 1 OR (taken.merchant_id, taken.currency_code)
                IS DISTINCT FROM (opened.merchant_id, opened.currency_code)
                THEN 'takes of ' || opened.transaction_id || ' of another merchant or currency'
            WHEN taken_minor > coalesce(held.amount_minor, 0)
                THEN 'is one of those that take ' || taken_minor || ' where ' || opened.transaction_id || ' put aside '
                    || coalesce(held.amount_minor, 0)
        END AS detail
    FROM taken
    LEFT JOIN opened ON opened.transaction_type = taken.opening AND opened.related_no = taken.root_reference
    LEFT JOIN held ON held.transaction_id = opened.transaction_id AND held.account_kind = taken.transit
)
SELECT subject, detail FROM compared WHERE detail IS NOT NULL ORDER BY subject LIMIT 1
"""

CORRECTIONS = f"""
WITH correction AS (
    SELECT * FROM {_of_types("ARRAY[$1::text]")} AS transaction
)
SELECT entry.transaction_id AS subject, 'moves ' || account.account_kind AS detail
FROM {_entries_of("correction")} AS entry
JOIN account ON account.account_id = entry.account_id
WHERE account.account_kind <> ALL ($2::text[])
ORDER BY entry.transaction_id, entry.line
LIMIT 1
"""

# By its id, and by what was refused: the refusal may be from before types had numbers.
REFUSALS = f"""
WITH refused AS (
    SELECT *, CASE WHEN transaction_id ~ '^txn_[0-9a-f]{{32}}$' THEN substr(transaction_id, 5)::uuid END AS digits
    FROM refusal
)
SELECT refused.transaction_id AS subject, 'is booked, though refused to its event' AS detail
FROM refused JOIN journal ON coalesce(journal.former_id, journal.transaction_id) = refused.digits
UNION
SELECT refused.transaction_id, 'is booked, though refused to its event'
FROM refused JOIN former_transaction AS transaction ON transaction.transaction_id = refused.transaction_id
UNION
SELECT refused.transaction_id, 'is booked, though refused to its event'
FROM refused JOIN {_of_types("ARRAY(SELECT DISTINCT transaction_type FROM refused)")} AS transaction
    ON transaction.transaction_type = refused.transaction_type AND transaction.related_no = refused.related_no
ORDER BY 1
LIMIT 1
"""
