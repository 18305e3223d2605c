"""What the supervisor tells its clients: the JSON of `/v1`, as frozen dataclasses.

Sizes are bytes, durations seconds (`_s`) or milliseconds (`_ms`), instants aware UTC datetimes
(`_at`), rates per second, shares 0 to 1. Unknown is None, never 0. Fields are only ever added.
"""

from __future__ import annotations

from vconsole.errors import ErrorBody as ErrorBody
from vconsole.host.readings import ForeignServer as ForeignServer
from vconsole.host.readings import StrayProcess as StrayProcess
from vconsole.models.fit.plan import Plan as Plan
from vconsole.requests.messages import AskEvent as AskEvent
from vconsole.requests.messages import AskRequest as AskRequest
from vconsole.requests.messages import SmokeCheck as SmokeCheck
from vconsole.requests.messages import SmokeReport as SmokeReport
from vconsole.requests.messages import Turn as Turn
from vconsole.supervisor.model.operation import Operation as Operation
from vconsole.supervisor.model.operation import OperationState as OperationState
from vconsole.supervisor.model.operation import RemovedModel as RemovedModel
from vconsole.supervisor.model.operation import Step as Step
from vconsole.supervisor.model.page import Advice as Advice
from vconsole.supervisor.model.page import Attached as Attached
from vconsole.supervisor.model.page import EngineInfo as EngineInfo
from vconsole.supervisor.model.page import Job as Job
from vconsole.supervisor.model.page import OllamaStatus as OllamaStatus
from vconsole.supervisor.model.page import Sample as Sample
from vconsole.supervisor.model.page import Status as Status
from vconsole.supervisor.model.page import SupervisorInfo as SupervisorInfo
from vconsole.supervisor.model.server import Desired as Desired
from vconsole.supervisor.model.server import Failure as Failure
from vconsole.supervisor.model.server import Measured as Measured
from vconsole.supervisor.model.server import PhaseTime as PhaseTime
from vconsole.supervisor.model.server import ServerState as ServerState
from vconsole.supervisor.model.server import ServerStatus as ServerStatus
from vconsole.supervisor.model.server import SleeperStatus as SleeperStatus
from vconsole.supervisor.model.server import StandbyStatus as StandbyStatus
from vconsole.supervisor.model.server import Transition as Transition
from vconsole.supervisor.model.server import WayOut as WayOut
from vconsole.supervisor.telling.levels import Level as Level
from vconsole.supervisor.wishes import AdoptRequest as AdoptRequest
from vconsole.supervisor.wishes import JobsRule as JobsRule
from vconsole.supervisor.wishes import PullRequest as PullRequest
from vconsole.supervisor.wishes import RemoveRequest as RemoveRequest
from vconsole.supervisor.wishes import StartRequest as StartRequest
from vconsole.supervisor.wishes import SwapRequest as SwapRequest
