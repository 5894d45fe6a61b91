"""The program that builds a model and exports it, run by the user's Python and never by convcalc.

It reads a request as JSON and writes the exported program as JSON, without weights. What the
model's code prints goes to stderr, so that it cannot be taken for the program. Modules of the
current folder are imported for ``torch:`` alone, which names the user's own code: a checkout could
have a ``timm.py``, or a ``json.py``.
"""

NO_TORCH, NO_MODEL, NO_EXPORT = 41, 42, 43  # exit codes

SCRIPT = r'''
import sys

sys.path[:] = [path for path in sys.path if path]  # nothing of the current folder, as yet

import importlib, inspect, io, json, os, zipfile

out = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
request = json.load(sys.stdin)
kind, name, arguments = request["scheme"], request["name"], request["arguments"]

try:
    import torch
    import torch.export
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(41)


def import_torchvision():
    """torchvision; its compiled operators are not needed to look at most models."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "nms does not exist" not in str(error):
            raise
    for key in [key for key in sys.modules if key.partition(".")[0] == "torchvision"]:
        del sys.modules[key]
    library = torch.library.Library("torchvision", "FRAGMENT")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    found = importlib.import_module("torchvision")
    found.library_of_names = library
    return found


def torchvision_model():
    models = import_torchvision().models
    builder = models.get_model_builder(name)
    known = inspect.signature(builder).parameters
    for key in ("weights", "weights_backbone"):
        if key in known:
            arguments.setdefault(key, None)
    if name in ("googlenet", "inception_v3"):
        arguments.setdefault("init_weights", False)
    size = [3, 224, 224]
    if ".video." in builder.__module__:
        size = [3, 16, 224, 224] if name.startswith(("mvit", "swin3d")) else [3, 16, 112, 112]
    return builder(**arguments), [size] * (2 if name.startswith("raft") else 1)


def timm_model():
    try:
        import_torchvision()
    except ImportError:
        pass
    timm = importlib.import_module("timm")
    arguments.setdefault("pretrained", False)
    model = timm.create_model(name, **arguments)
    return model, [list(model.default_cfg["input_size"])]


def torch_model():
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # behind what is installed
    try:
        found = importlib.import_module(request["module"])
    except RuntimeError:
        import_torchvision()
        found = importlib.import_module(request["module"])
    for step in name.split("."):
        found = getattr(found, step)
    if isinstance(found, torch.nn.Module):
        return found, None
    return found(**arguments), None


try:
    build = {"timm": timm_model, "torchvision": torchvision_model, "torch": torch_model}[kind]
    model, sizes = build()
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"{name} gives {type(model).__name__}, and no torch.nn.Module")
    sizes = request["sizes"] or sizes or [[3, 224, 224]]
except BaseException:
    import traceback

    traceback.print_exc()
    sys.exit(42)

try:
    model.eval()
    if isinstance(sizes, dict):
        inputs, named = (), {key: torch.zeros(1, *size) for key, size in sizes.items()}
    else:
        inputs, named = tuple(torch.zeros(1, *size) for size in sizes), {}
    try:
        program = torch.export.export(model, inputs, named)
    except Exception as error:
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        try:
            program = torch.export.export(model, inputs, named)
        except Exception:
            raise error
    archive = io.BytesIO()
    torch.export.save(program, archive)
    with zipfile.ZipFile(archive) as found:
        ends = ("models/model.json", "serialized_exported_program.json")
        (entry,) = [each for each in found.namelist() if each.endswith(ends)]
        text = found.read(entry)
except BaseException:
    import traceback

    traceback.print_exc()
    sys.exit(43)
out.write(text)
out.close()
'''
