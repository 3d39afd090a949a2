"""What the remediator is made of, put together from its environment."""

from lambdas.common import aws, clock, endpoints
from lambdas.common.announcer import Announcer
from lambdas.common.digests import Digests
from lambdas.common.finding import Finding
from lambdas.common.ledger import Ledger
from lambdas.common.secret import SecretReader
from lambdas.common.slack import SlackChannel
from lambdas.common.table import Table
from lambdas.common.witness import Witness
from lambdas.remediator import s3
from lambdas.remediator.claims import Claims
from lambdas.remediator.copying import Copying
from lambdas.remediator.environment import Environment
from lambdas.remediator.objects import Objects
from lambdas.remediator.quarantine import Quarantine, Versions
from lambdas.remediator.remediation import Remediation
from lambdas.remediator.restoration import Restoration


def wired(settings: Environment, witness: Witness) -> Remediation:
    """Put the function together."""
    table = Table(aws.service("dynamodb"), settings.ledger_table)
    ledger = Ledger(table, witness.step)
    channel = SlackChannel(
        settings.slack_channel,
        secret=SecretReader(aws.service("secretsmanager"), settings.slack_secret, clock.now),
        api_url=settings.slack_api_url,
        clock=clock.now,
        witness=witness.slack_refused,
    )
    own, threshold = Objects(s3.service(endpoints.region())), int(settings.multipart_threshold)

    quarantine = Quarantine(
        bucket=settings.quarantine_bucket,
        copying=Copying(objects=own, threshold=threshold, may_cover=lambda _: True),
        sources=_sources,
        wanted=Versions(settings.quarantine_versions),
        is_dry_run=settings.is_dry_run,
        ledger=ledger,
        clock=clock.now,
    )
    restoration = Restoration(
        own=own, sources=_sources, threshold=threshold, is_dry_run=settings.is_dry_run
    )
    return Remediation(
        ledger=ledger,
        claims=Claims(table),
        quarantine=quarantine,
        restoration=restoration,
        announcer=Announcer(ledger, Digests(table), channel, clock.now),
        clock=clock.now,
    )


def _sources(finding: Finding) -> Objects:
    """Answer the objects of the finding's account and region: by our own role so far."""
    return Objects(s3.service(finding.region), owner=finding.account)
