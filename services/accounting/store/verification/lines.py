"""Claims on lines, with rows of the journal taken apart by their numbers.

The ids that people know are made only of what differs: made of every row, they cost more than all else together. What
still stands in the former tables is held against the same claims beside it.
"""

from services.accounting.store.journal import BATCH_ROWS_MAX

TOLD = """'txn_' || id_digits(coalesce(former_id, key)) COLLATE "C\""""
"""The id that people know a row of the journal by."""

# `is_first` says whether no line before is on the same account. A narrow row is taken apart without an array.
LINES = """(
    SELECT journal.transaction_id AS key, former_id, month, position, effective_at, currency_no,
        journal.account_no AS main_no, lines.line, lines.account_no, lines.debit_minor, lines.is_first
    FROM journal CROSS JOIN LATERAL (VALUES
        (0, account1, amount1, true),
        (1, contra1, -amount1, contra1 <> account1),
        (2, account2, amount2, account2 NOT IN (account1, contra1)),
        (3, contra2, -amount2, contra2 NOT IN (account1, contra1, account2))
    ) AS lines (line, account_no, debit_minor, is_first)
    WHERE accounts IS NULL AND lines.debit_minor IS NOT NULL
    UNION ALL
    SELECT journal.transaction_id, former_id, month, position, effective_at, currency_no, journal.account_no,
        n::integer - 1, line_account, debit_minor, array_position(accounts, line_account) = n
    FROM journal CROSS JOIN LATERAL unnest(accounts, amounts) WITH ORDINALITY AS lines (line_account, debit_minor, n)
    WHERE accounts IS NOT NULL
)"""
"""Of every row of the journal, what each line debits, below 0 what it credits."""

COUNT_LINES = """
SELECT (SELECT count(*) FROM former_entry) + (
    SELECT coalesce(sum(CASE WHEN accounts IS NOT NULL THEN cardinality(accounts)
        WHEN amount2 IS NULL THEN 2 ELSE 4 END), 0)
    FROM journal)
"""

# Each of the next statements returns the first difference, as (subject, detail), or no row.

ENTRIES_ON_ACCOUNTS = f"""
WITH differing AS MATERIALIZED (
    SELECT booked.account_no, booked.currency_no, account.account_id, account.currency_code
    FROM (SELECT DISTINCT account_no, currency_no FROM {LINES} AS line) AS booked
    LEFT JOIN account ON account.account_no = booked.account_no
    WHERE account.account_id IS NULL OR account.currency_code <> currency_code(booked.currency_no)
)
SELECT transaction_id || ' line ' || line AS subject, detail FROM (
    SELECT {TOLD} AS transaction_id, line,
        CASE WHEN account_id IS NULL THEN 'there is no account number ' || account_no
            ELSE 'in ' || currency_code(currency_no) || ' on an account in ' || currency_code
        END AS detail
    FROM differing JOIN {LINES} AS line USING (account_no, currency_no)
    UNION ALL
    SELECT entry.transaction_id, entry.line,
        CASE WHEN account.account_id IS NULL THEN 'there is no account ' || entry.account_id
            WHEN account.currency_code <> entry.currency_code
                THEN 'in ' || entry.currency_code || ' on an account in ' || account.currency_code
            ELSE entry.side || ' has effect ' || entry.effect || ' on an account of side ' || account.normal_side
        END
    FROM former_entry AS entry LEFT JOIN account ON account.account_id = entry.account_id
    WHERE account.account_id IS NULL OR account.currency_code <> entry.currency_code
        OR entry.effect <> CASE WHEN entry.side = account.normal_side THEN 1 ELSE -1 END
) AS compared
ORDER BY transaction_id, line
LIMIT 1
"""

# What has its entries in one row has them in the currency and at the time of the row. That they balance is a constraint
# of the table, which is not taken for granted here.
ENTRIES_OF_TRANSACTIONS = f"""
WITH booked AS (
    SELECT transaction_id, count(*) AS lines, max(line) AS last_line, min(currency_code) AS least_currency,
        max(currency_code) AS greatest_currency, min(effective_at) AS earliest, max(effective_at) AS latest,
        sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END) AS excess,
        array_agg(DISTINCT account_id) AS account_ids
    FROM former_entry GROUP BY transaction_id
), compared AS (
    SELECT coalesce(transaction.transaction_id, booked.transaction_id) AS subject,
        CASE WHEN transaction.transaction_id IS NULL THEN 'has entries but does not exist'
            WHEN booked.transaction_id IS NULL THEN 'has no entries'
            WHEN lines < 2 THEN 'has 1 entry'
            WHEN last_line <> lines - 1 THEN 'has ' || lines || ' entries, the last is line ' || last_line
            WHEN least_currency <> currency_code OR greatest_currency <> currency_code
                THEN 'is in ' || currency_code || ' with entries in others'
            WHEN excess <> 0 THEN 'debits exceed credits by ' || excess
            WHEN earliest <> effective_at OR latest <> effective_at THEN 'has entries of other effective times'
            WHEN NOT (transaction.account_ids @> booked.account_ids AND booked.account_ids @> transaction.account_ids)
                THEN 'names other accounts than its entries'
        END AS detail
    FROM former_transaction AS transaction FULL JOIN booked ON booked.transaction_id = transaction.transaction_id
    UNION ALL
    SELECT {TOLD}, detail FROM (
        SELECT transaction_id AS key, former_id,
            CASE WHEN accounts IS NULL THEN
                    CASE WHEN amounts IS NOT NULL OR num_nulls(account1, contra1, amount1) > 0
                        OR num_nulls(account2, contra2, amount2) NOT IN (0, 3) OR amount1 = 0 OR amount2 = 0
                        THEN 'is neither one transfer nor two'
                    END
                WHEN num_nonnulls(account1, contra1, amount1, account2, contra2, amount2) > 0
                    THEN 'is transfers and lines at once'
                WHEN cardinality(accounts) = 0 THEN 'has no entries'
                WHEN cardinality(accounts) = 1 THEN 'has 1 entry'
                WHEN cardinality(accounts) IS DISTINCT FROM cardinality(amounts)
                    OR array_position(accounts, NULL) IS NOT NULL OR array_position(amounts, NULL) IS NOT NULL
                    THEN 'has lines without account or amount'
                ELSE (SELECT 'debits exceed credits by ' || sum(amount) FROM unnest(amounts) AS amount
                    HAVING sum(amount) <> 0)
            END AS detail
        FROM journal
    ) AS journal
    WHERE detail IS NOT NULL
)
SELECT subject, detail FROM compared WHERE detail IS NOT NULL ORDER BY subject LIMIT 1
"""

BALANCES = f"""
WITH effect AS (
    SELECT account.account_id,
        sum(debit_minor) * CASE account.normal_side WHEN 'DEBIT' THEN 1 ELSE -1 END AS booked_minor
    FROM (
        SELECT account_no, sum(debit_minor) AS debit_minor FROM {LINES} AS line GROUP BY account_no
        UNION ALL
        SELECT account_no, sum(debit_minor - credit_minor) FROM carried GROUP BY account_no
    ) AS line
    JOIN account ON account.account_no = line.account_no
    GROUP BY account.account_id
    UNION ALL
    SELECT account_id, sum(effect * amount_minor) FROM former_entry GROUP BY account_id
), booked AS (
    SELECT account_id, sum(booked_minor) AS booked_minor FROM effect GROUP BY account_id
), kept AS (
    SELECT account_id, sum(balance_minor) AS kept_minor FROM balance GROUP BY account_id
)
SELECT coalesce(booked.account_id, kept.account_id) AS subject,
    'balance is ' || coalesce(kept_minor, 0) || ', its entries sum up to ' || coalesce(booked_minor, 0) AS detail
FROM booked FULL JOIN kept ON kept.account_id = booked.account_id
WHERE coalesce(kept_minor, 0) <> coalesce(booked_minor, 0)
ORDER BY subject
LIMIT 1
"""

_LEG = "(SELECT tableoid AS part, ctid AS place, leg.* FROM leg)"

# What the legs of an account lead to, against the lines on it of transactions that have another main account. Lines are
# first met with the leg whose times they lie within: where these are its positions one for one, and its sum is theirs,
# all is right, as legs of one account and batch have times apart. All else is then looked at position by position.
LEGS = f"""
WITH met AS (
    SELECT line.month, line.position & -{BATCH_ROWS_MAX} AS batch, line.account_no, leg.part, leg.place,
        sum(line.debit_minor) AS debit_minor,
        array_agg((line.position & {BATCH_ROWS_MAX - 1})::smallint ORDER BY line.position)
            FILTER (WHERE line.is_first) AS positions
    FROM {LINES} AS line
    LEFT JOIN {_LEG} AS leg
        ON leg.month = line.month AND leg.batch = line.position & -{BATCH_ROWS_MAX}
        AND leg.account_no = line.account_no AND line.effective_at BETWEEN leg.first_at AND leg.last_at
    WHERE line.account_no <> line.main_no
    GROUP BY line.month, line.position & -{BATCH_ROWS_MAX}, line.account_no, leg.part, leg.place
), suspect AS MATERIALIZED (
    SELECT coalesce(leg.month, met.month) AS month, coalesce(leg.batch, met.batch) AS batch,
        coalesce(leg.account_no, met.account_no) AS account_no
    FROM met FULL JOIN {_LEG} AS leg ON leg.part = met.part AND leg.place = met.place
    WHERE (met.positions = coalesce(leg.positions, ARRAY(SELECT generate_series(0, leg.transactions - 1)::smallint))
        AND cardinality(met.positions) = leg.transactions AND met.debit_minor = leg.debit_minor) IS NOT true
    UNION
    SELECT month, batch, account_no FROM (
        SELECT month, batch, account_no, first_at <= max(last_at) OVER (
            PARTITION BY month, batch, account_no ORDER BY first_at, last_at
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS crossing
        FROM leg
    ) AS leg WHERE crossing
), booked AS (
    SELECT line.month, line.position, line.account_no, sum(debit_minor) AS debit_minor,
        min({TOLD}) AS transaction_id, min(effective_at) AS effective_at
    FROM suspect JOIN {LINES} AS line ON line.month = suspect.month
        AND line.position & -{BATCH_ROWS_MAX} = suspect.batch AND line.account_no = suspect.account_no
    WHERE line.account_no <> line.main_no
    GROUP BY line.month, line.position, line.account_no
), led AS (
    SELECT leg.part, leg.place, leg.month, leg.batch + led.at AS position, leg.account_no, leg.first_at, leg.last_at,
        leg.debit_minor
    FROM suspect JOIN {_LEG} AS leg USING (month, batch, account_no) CROSS JOIN LATERAL (
        SELECT unnest(leg.positions)::bigint UNION ALL
        SELECT generate_series(0::bigint, leg.transactions - 1) WHERE leg.positions IS NULL
    ) AS led (at)
), compared AS (
    SELECT coalesce(led.account_no, booked.account_no) AS account_no, booked.transaction_id,
        CASE WHEN booked.month IS NULL THEN 'a leg leads to position ' || led.position || ', where it has no line'
            WHEN led.month IS NULL THEN 'no leg leads to ' || booked.transaction_id
            WHEN booked.effective_at NOT BETWEEN led.first_at AND led.last_at
                THEN 'a leg of other times leads to ' || booked.transaction_id
        END AS detail,
        led.part, led.place, led.debit_minor AS told_minor, booked.debit_minor,
        count(*) OVER (PARTITION BY booked.month, booked.position, booked.account_no) AS times
    FROM led FULL JOIN booked USING (month, position, account_no)
), differing AS (
    SELECT account_no, coalesce(detail, 'two legs lead to ' || transaction_id) AS detail
    FROM compared WHERE detail IS NOT NULL OR times > 1
    UNION ALL
    SELECT min(account_no), 'a leg says ' || min(told_minor) || ', its lines sum up to ' || sum(debit_minor)
    FROM compared WHERE detail IS NULL GROUP BY part, place HAVING min(told_minor) <> sum(debit_minor)
)
SELECT coalesce(account.account_id, 'number ' || differing.account_no) AS subject, detail
FROM differing LEFT JOIN account ON account.account_no = differing.account_no
ORDER BY 1, 2
LIMIT 1
"""
