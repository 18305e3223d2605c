"""systemd's units: looked at and moved over D-Bus where there is a bus, by `systemctl` else."""

from vconsole.host.units.connect import manager_of as manager_of
from vconsole.host.units.unit import Scope as Scope
from vconsole.host.units.unit import UnitManager as UnitManager
from vconsole.host.units.unit import UnitState as UnitState
from vconsole.host.units.unit import command_of as command_of
