"""All exceptions of convcalc: one root class, and what derives from it.

    Error                    one sentence, a hint, and problems with their places
    ├── NetworkError         a network could not be read or analysed; carries all its problems
    ├── TargetError          the file or network asked for cannot be found or read
    │   ├── MissingFile      the git revision exists, but has no such file
    │   ├── NoRevision       there is no such git revision, or no repository
    │   ├── NoFactor         a network has no param that is to be swept
    │   ├── CodeNotAllowed   a model that a program builds, where no code may be run
    │   └── Hung             git took too long
    ├── UnknownName          no operator, convention or rule has this name; a KeyError too
    ├── DeviceError          a file of a device or a runtime has errors
    ├── Unfitted             timings do not say what a device can do
    ├── PathError            a path names no layer, block, input or number
    ├── TooLarge             a network exceeds its limit of layers; in a file, a problem
    ├── TooMuchWork          more would have to be computed than is allowed; in a file, a problem
    ├── StudyError           the tensor has no receptive field to study
    │   └── Placeless        positions have no location, for all of them see the same
    ├── Unseen               what a tensor reads cannot be known
    ├── TooWide              a receptive field takes too many bits or steps to compute
    ├── WrongTolerance       an expression is not a tolerance
    ├── SpaceError           the configurations of a sweep are not well described
    │   └── BadCondition     a condition on them cannot be read or computed
    ├── SolveError           what is to be solved is not well described
    ├── Split                configurations part; the sweep goes on with each side apart
    ├── Differs              a sweep and the ordinary path give different numbers: a bug
    ├── RowFileError         rows of a sweep cannot be written in this format
    ├── WrongSizes           a text is not a list of sizes; a ValueError too
    ├── NoSize               an expression names a size that the tensor does not have
    ├── NoKey                a file of values has no such key
    ├── Unreadable           a file of values, or a model of another program, cannot be read
    │   └── Damaged          an ONNX file ends too early or is none; in a file, a problem
    ├── NotCopied            a network file has a form that 'new --from' does not copy
    ├── Unwritable           a layer has no counterpart in the program that is written for
    ├── MissingPackage       the package of a data frame is not there; an ImportError too
    ├── NeedsOnnx            an ONNX file is asked for, and the onnx package is not there
    ├── ExpressionError      an expression cannot be evaluated; in a file it is a problem
    ├── Refused              a number cannot be pinned
    ├── BudgetError          the bounds of an assertion are invalid or missing; a ValueError too
    └── Failure              a command cannot run

Callers of convcalc see no others. The following only steer control flow and are always caught
inside; one that escapes is a bug and is shown as one:

    Exception
    ├── Rejected             language, model: a part is wrong; its problems are collected
    │   └── Recovered        language: what was meant is clear, so that reading goes on with it
    ├── WrongValue           model: a field cannot take a value; becomes a problem
    ├── _StopError           language: the YAML cannot be read any further; the problem is recorded
    ├── _StoppedError        cli: a sweep is stopped; what is done is kept
    ├── Wrong                analysis: a value of a saved report is wrong; becomes a TargetError
    ├── Missing              checking: the base of a comparison has no such network
    ├── Lost                 importing: a node reads what could not be made; it is skipped
    ├── NoRule               importing: a node means nothing here; becomes a problem
    │   ├── NotTheBatch      its samples are parts of one sample
    │   └── Unequal          its queries and keys are not parts of one map
    ├── NotChain             exporting: statements that are not a chain of layers
    ├── Misfit               exporting: layers cannot be written in this form; another is tried
    ├── Unsettled            importing: elements cannot be brought into an order; becomes a problem
    ├── Untranslated         importing: a call has no counterpart in ONNX; becomes a problem
    ├── Unfit                importing: settings of a layer of Keras; becomes a problem
    └── OSError              language: a file cannot be read or written, as for any other reason
        ├── Changed          it was changed in the meantime
        ├── Outside          it lies outside the project, or behind a link that leads there
        └── NotInClone       a partial clone does not have its content

Misuse from Python, such as passing a network instead of a path, raises TypeError or ValueError.
"""

from __future__ import annotations

from typing import Any


class Error(Exception):
    """Base of all errors: ``message`` is one sentence, ``help`` says what would be right.

    ``diagnostics`` are the problems in a file that caused it, each a
    :class:`convcalc.Diagnostic` with its place; usually empty.
    """

    diagnostics: tuple[Any, ...] = ()

    def __init__(self, message: str, help: str = "") -> None:  # noqa: A002  # as in a Diagnostic
        # The arguments stay in ``args``, so that every error can be pickled: a pool of processes
        # passes them on.
        self.message = message
        self.help = help

    def __str__(self) -> str:
        return self.message
