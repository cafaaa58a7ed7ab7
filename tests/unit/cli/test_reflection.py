import pytest

from paystream.merchant.v1 import merchant_pb2
from paytools.cli.reflection import _with_masks_as_text

UPDATE = merchant_pb2.UpdateMerchantRequest.DESCRIPTOR


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        ({"paths": ["fee_plan", "settlement_policy.time_zone"]}, "feePlan,settlementPolicy.timeZone"),
        ({"paths": []}, ""),
        ("feePlan", "feePlan"),
        ({"paths": "fee_plan"}, {"paths": "fee_plan"}),  # Left to the parser, which says what is wrong.
    ],
)
def test_a_field_mask_may_stand_as_text_or_as_grpcurl_wants_it(mask: object, text: object) -> None:
    for name in ("update_mask", "updateMask"):
        document = {"merchant_id": "mer_1", name: mask, "no_such_field": mask}
        assert _with_masks_as_text(document, UPDATE) == document | {name: text}
