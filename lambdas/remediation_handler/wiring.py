"""What the remediation handler is made of, put together from its environment."""

from dataclasses import dataclass

from lambdas.common import aws, clock
from lambdas.common.digests import Digests
from lambdas.common.ledger import Ledger
from lambdas.common.queues import AgendaQueue
from lambdas.common.remediator import Remediator
from lambdas.common.secret import SecretReader
from lambdas.common.table import Table
from lambdas.common.witness import Witness
from lambdas.remediation_handler.decisions import Decisions
from lambdas.remediation_handler.digest_decisions import DigestDecisions
from lambdas.remediation_handler.environment import Environment
from lambdas.remediation_handler.signature import Signatures


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What a request passes: first the one, then the other."""

    signatures: Signatures
    decisions: Decisions


def wired(settings: Environment, witness: Witness) -> Wiring:
    """Put the function together."""
    table = Table(aws.service("dynamodb"), settings.ledger_table)
    for_all = DigestDecisions(
        approvers=settings.who_may_decide,
        digests=Digests(table),
        queue=AgendaQueue(aws.service("sqs"), settings.agenda_queue),
        witness=witness.order,
        clock=clock.now,
    )
    decisions = Decisions(
        approvers=settings.who_may_decide,
        ledger=Ledger(table, witness.step),
        remediator=Remediator(settings.remediator_function),
        for_all=for_all,
        reminder_after=settings.reminder_after,
        clock=clock.now,
    )
    secret = SecretReader(aws.service("secretsmanager"), settings.slack_secret, clock.now)
    return Wiring(signatures=Signatures(secret, clock.now), decisions=decisions)
