"""Which spec files run for a source: those named like it, those that name it, those of its folder, some for all."""

import os
import re

BROAD = ["spec/pipeline_spec.lua", "spec/load_command_spec.lua", "spec/publish_spec.lua", "spec/report_spec.lua",
         "spec/rejects_command_spec.lua", "spec/sniff_spec.lua"]
SLOW = ("fuzz_spec", "/faults/", "package_spec", "adding_spec", "private_server_spec", "docs_commands_spec", "docker",
        "browser", "manual_spec", "sniff_mutated", "old_snapshots", "citus")
# Folders whose specs have other names.
SUBJECTS = {"bindings/csv": ["csv_", "dialect"], "bindings/pg": ["conn_", "result", "record"],
            "bindings/load": ["load_"], "bindings/lua": ["conn_", "csv_", "rules_", "load_"],
            "bindings/base": ["account", "csv_source"], "bindings/archive": ["inputs", "encoding"],
            "bindings/remote": ["remote"], "host": ["host", "repl", "command_line", "prompt_"],
            "host/server": ["connection"], "bindings/profile": ["profile_"], "bindings/rules": ["type", "rules_", "program"]}


def all_of(root):
    found = {}
    for path, _, names in os.walk(os.path.join(root, "spec")):
        for name in names:
            if name.endswith("_spec.lua"):
                spec = os.path.relpath(os.path.join(path, name), root)
                if not any(word in spec for word in SLOW):
                    with open(os.path.join(root, spec), encoding="utf-8") as file:
                        found[spec] = file.read()
    return found


def score(source, spec, text):
    """How near a spec file is to a source; 0: it is not."""
    folder, name = os.path.split(os.path.splitext(source)[0])
    room = os.path.basename(folder)
    module = re.sub(r"/", ".", re.sub(r"^scripts/", "", os.path.splitext(source)[0]))
    title = re.sub(r"_spec\.lua$", "", os.path.basename(spec))
    subjects = SUBJECTS.get(folder, [room + "_", room])
    return (8 * (title == name) + 6 * (title in (f"{room}_{name}", f"{name}_{room}"))
            + 5 * (source.endswith(".lua") and f'"{module}"' in text)
            + 3 * (name in title or title in name) + 2 * any((title + "_").startswith(one) for one in subjects)
            + 3 * sum(word in title for word in name.split("_") if len(word) > 3))


def of(root, source, most):
    """`most` that are near, and with 6 or more the broad ones."""
    all_ = all_of(root)
    order = sorted((-score(source, spec, text), len(text), spec) for spec, text in all_.items())
    near = [spec for points, _, spec in order if points < 0][:most]
    return near + [spec for spec in BROAD if spec not in near and (most > 5 or spec == BROAD[0] and len(near) < 3)]
