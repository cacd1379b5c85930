"""The errors a user can meet; each message says what, where, got, expected and how to mend it."""


class TradeoffError(Exception):
    """The base of every error that this package raises on purpose."""


class ConfigError(TradeoffError):
    """A word or value of the command is wrong; carries every fault found, one line each."""

    def __init__(self, faults: list[str] | str) -> None:
        self.faults = [faults] if isinstance(faults, str) else list(faults)
        super().__init__("\n".join(self.faults))


class CombinationError(TradeoffError):
    """A cell is well spelled but its parts do not go together, such as stride 8 on MobileNet."""


class DataError(TradeoffError):
    """A data set or one of its files is missing or wrong; names the file and the key."""


class WeightsError(TradeoffError):
    """Weights could not be had or do not fit; says where they were looked for."""


class TrainingDiverged(TradeoffError):
    """The loss became infinite or NaN; says at which step and in which part."""


class ImpossibleTime(TradeoffError):
    """A time is shorter than the machine can take, so what was timed is not the work; names both times."""


class StageFailed(TradeoffError):
    """A stage ended in an error inside its child process; carries the reason in one line."""


class WorkerDied(TradeoffError):
    """A child process ended without an answer: killed, out of memory or a crash of the interpreter."""


class NotMeasured(TradeoffError):
    """A quantity cannot be had on this machine; says why and, where there is a way, how to get it."""


class StoreError(TradeoffError):
    """A cached folder or a row could not be read or written; names the file."""


class TableError(TradeoffError):
    """A results table cannot be read; names the file, the line and the column."""


class DeviceLost(TradeoffError):
    """A device went away while it was at work."""
