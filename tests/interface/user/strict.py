"""A program of a user, which mypy --strict accepts."""

# ruff: noqa: T201
import convcalc
from convcalc.testing import assert_budget

network = convcalc.load("resnet50", inputs="3x320x320", batch=8)
report = convcalc.analyze(network, memory=("training", "adam"))
params: int = report.totals.params
macs: int = report.totals.macs
size: tuple[int, ...] = report.receptive_field.size if report.receptive_field else ()
for name, output in report.per_output.items():
    print(name, output.shape, output.receptive_field)
for layer in report.layers:
    print(layer.path, layer.output.channels, layer.params, layer.macs)
print(convcalc.study(network).coverage)
text: str = report.to_json()
keys: list[str] = sorted(report.to_dict())
print(report.to_text(width=80))

builder = convcalc.Builder("small")
x = builder.input("image", "3x224x224")
y = builder.add("conv", x, out_channels=64, kernel_size=7, stride=2, padding=3)
small: convcalc.Network = builder.network()
print(convcalc.analyse(small).totals.params)

change = convcalc.diff("resnet18", "resnet34")
if change.comparison is not None:
    increase: int | None = change.comparison.total("params").delta
outcome: convcalc.Outcome = convcalc.check("models", strict=True)
for finding in outcome.findings:
    print(finding.code, finding.place.line, finding.message)
assert convcalc.verify("resnet18", small).agrees
assert_budget(small, params={"max": "10k"})
try:
    convcalc.loads("convcalc: 1")
except convcalc.NetworkError as error:
    print(error.message, error.help, error.diagnostics)
except convcalc.Error as error:
    print(error.message)
