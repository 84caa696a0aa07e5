"""Devices: a file and a row each; the computer sees to the rest."""

from __future__ import annotations

from typing import Any

import pytest

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.uxn.varvara import Computer
from jitvm.platform import Program
from jitvm.platform.bare import BareComputer
from jitvm.platform.device import Device, Devices
from tests.toy.guest import TOY, assemble


class Sum(Device):
    """Adds up what is written to its first port; its second has the sum."""

    ports = range(2, 4)

    def __init__(self, machine: Machine) -> None:
        self.sum = self.closed = 0
        machine.on_write(2, self._add)
        machine.on_read(3, lambda: self.sum & 0xFF)

    def _add(self, byte: int) -> None:
        self.sum += byte

    def reset(self) -> None:
        self.sum = 0

    def close(self) -> None:
        self.closed += 1

    def snapshot(self) -> int:
        return self.sum

    def restore(self, state: int) -> None:
        self.sum = state


class Adder(BareComputer):
    """A toy with the device: a row."""

    def __init__(self, program: Program, **options: Any) -> None:
        super().__init__(program, TOY, output=1, **options)
        self.adder = self.devices.connect(Sum(self.machine))


def test_a_device_is_started_over_and_closed_with_its_computer() -> None:
    source = "li r1 30\nout r1 2\nout r1 2\nin r2 3\nout r2 1\nhalt"
    computer = Adder(Program(assemble(source)), tier=Tier.INTERPRETER)
    computer.run_console()
    assert (computer.stdout, computer.adder.sum, computer.adder.closed) == (b"<", 60, 1)
    computer.reset()
    assert computer.adder.sum == 0
    computer.run_console()
    assert computer.stdout == b"<<"


def test_states_are_put_back_in_order() -> None:
    machines = [Machine(TOY, tier=Tier.REFERENCE) for _ in range(2)]
    both = [Devices() for _ in machines]
    sums = [devices.connect(Sum(machine)) for devices, machine in zip(both, machines, strict=True)]
    for devices in both:
        devices.connect(Device())
    sums[0].sum = 7
    states = both[0].snapshot()
    assert states == (7, None)
    both[1].restore(states)
    assert sums[1].sum == 7
    both[1].reset()
    assert (sums[1].sum, len(list(both[1]))) == (0, 2)


def test_a_port_has_one_device() -> None:
    machine = Machine(TOY, tier=Tier.REFERENCE)
    devices = Devices()
    devices.connect(Sum(machine))
    with pytest.raises(ValueError, match="port 0x02 belongs to Sum and to Sum"):
        devices.connect(Sum(machine))


def test_each_device_of_varvara_says_which_ports_are_its() -> None:
    ports = [port for device in Computer(b"\0").devices for port in device.ports]
    assert ports == [*range(0x70), *range(0x80, 0xD0)]
