"""What the finding handler is made of, put together from its environment."""

from dataclasses import dataclass

from lambdas.common import aws, clock
from lambdas.common.announcer import Announcer
from lambdas.common.digests import Digests
from lambdas.common.ledger import Ledger
from lambdas.common.queues import AgendaQueue, EventQueue
from lambdas.common.remediator import Remediator
from lambdas.common.secret import SecretReader
from lambdas.common.slack import SlackChannel
from lambdas.common.table import Table
from lambdas.common.witness import Witness
from lambdas.finding_handler import macie
from lambdas.finding_handler.agenda import Agenda
from lambdas.finding_handler.digesting import Digesting
from lambdas.finding_handler.environment import Environment
from lambdas.finding_handler.intake import Intake
from lambdas.finding_handler.reconciliation import Reconciliation


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What handles each kind of event from the queue."""

    intake: Intake
    agenda: Agenda
    reconciliation: Reconciliation


def wired(settings: Environment, witness: Witness) -> Wiring:
    """Put the function together."""
    table = Table(aws.service("dynamodb"), settings.ledger_table)
    ledger = Ledger(table, witness.step, hourly_limit=settings.hourly_limit)
    digests = Digests(table)
    channel = SlackChannel(
        settings.slack_channel,
        secret=SecretReader(aws.service("secretsmanager"), settings.slack_secret, clock.now),
        api_url=settings.slack_api_url,
        clock=clock.now,
        witness=witness.slack_refused,
    )
    announcer = Announcer(ledger, digests, channel, clock.now)
    remediator = Remediator(settings.remediator_function)
    queue = AgendaQueue(aws.service("sqs"), settings.agenda_queue)
    intake = Intake(
        policy=settings.policy,
        ledger=ledger,
        remediator=remediator,
        announcer=announcer,
        digest_threshold=settings.most_told,
        reminder_after=settings.reminder_after,
        clock=clock.now,
    )
    digesting = Digesting(
        ledger=ledger,
        digests=digests,
        announcer=announcer,
        channel=channel,
        remediator=remediator,
        approvers=settings.who_may_decide,
        reminder_after=settings.reminder_after,
        clock=clock.now,
    )
    agenda = Agenda(
        ledger=ledger,
        digests=digests,
        digesting=digesting,
        announcer=announcer,
        remediator=remediator,
        channel=channel,
        queue=queue,
        approvers=settings.who_may_decide,
        about=witness.about,
        clock=clock.now,
    )
    reconciliation = Reconciliation(
        macie=macie.call,
        ledger=ledger,
        findings=EventQueue(aws.service("sqs"), settings.finding_queue),
        queue=queue,
        window=settings.reconciliation_window,
        clock=clock.now,
    )
    return Wiring(intake=intake, agenda=agenda, reconciliation=reconciliation)
