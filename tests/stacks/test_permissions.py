"""Every permission of the stack, in permissions.txt for a reviewer to read."""

from aws_cdk.assertions import Template

from tests.stacks import permissions


def test_nobody_may_do_more_or_less_than_permissions_txt_says(template: Template) -> None:
    """If this is meant, `make permissions` writes the file anew: the reviewer reads its change."""
    assert permissions.lines(template.to_json()) == permissions.FILE.read_text().splitlines()


def test_only_the_remediator_may_delete_anything_from_a_bucket(template: Template) -> None:
    """Neither function that strangers can reach touches S3 at all."""
    allowed = [line for line in permissions.lines(template.to_json()) if " may s3:" in line]

    assert not [line for line in allowed if "HandlerRole" in line]
    assert {line.split()[0] for line in allowed if ":Delete" in line} == {"RemediatorRole"}
