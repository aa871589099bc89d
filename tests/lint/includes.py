#!/usr/bin/env python3
"""The include rules of docs/hacking.md, checked: who may include whom."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)

# A foreign header and the one folder that may include it.
FOREIGN = {
    r"uv\.h": "core/runtime/uv",
    r"udns\.h": "core/dns",
    r"openssl/": "core/tls",
    r"toml\+\+": "core/config",
    r"boost/": "core/plugin",
    r"CLI/": "core/control",
    r"nlohmann/": "core/control",
    r"idn2\.h": "core/smtp",
}

# Folders of core: what each may include beside itself and the SDK.
MAY = {
    "smtp": set(),
    "log": set(),
    "config": set(),
    "runtime": set(),
    "tls": {"runtime"},
    "dns": {"runtime"},
    "watchdog": {"runtime"},
    "store": set(),
    "plugin": {"runtime", "config", "log"},
    "queue": {"store", "runtime", "plugin/chains.hpp", "smtp", "log"},
    "route": {"smtp", "plugin/chains.hpp"},
    "receive": {"smtp", "runtime", "plugin/chains.hpp", "queue/queue.hpp", "log", "store/store.hpp"},
    "deliver": {"smtp", "runtime", "plugin/chains.hpp", "queue/queue.hpp", "queue/deliveries.hpp",
                "queue/destination_rules.hpp",
                "route", "store/store.hpp", "log"},
    "control": {"runtime", "queue", "plugin", "receive/session_table.hpp", "config", "log", "watchdog",
                "smtp", "configuration.hpp", "dns/resolver.hpp", "store/inspection.hpp"},
}


def standard(name):
    return re.fullmatch(r"[a-z_0-9]+", name) is not None


def posix(name):
    return re.fullmatch(r"(sys|netinet|arpa|linux)/[a-z_0-9]+\.h|[a-z_0-9]+\.h", name) is not None


def allowed_in_core(folder, name):
    stage = name.split("/")[0]
    return stage == folder or stage in MAY[folder] or name in MAY[folder]


def faults_of(path):
    relative = path.relative_to(ROOT)
    parts = relative.parts
    for bracket, name in INCLUDE.findall(path.read_text()):
        foreign = next((home for header, home in FOREIGN.items() if re.match(header, name)), None)
        if parts[0] != "tests" and foreign and not str(relative).startswith(foreign):
            yield f"{relative}: <{name}> belongs to {foreign} alone"
        if parts[0] == "sdk":
            own = name.startswith("postrider/") or bracket == '"'
            loads = parts[1] == "testing" and name == "dlfcn.h"  # tests load a plugin as the daemon does
            if not own and not standard(name) and not loads:
                yield f"{relative}: the SDK includes the standard library only, not <{name}>"
        elif parts[0] == "plugins":
            own = name.startswith("postrider/") or bracket == '"'
            if not own and not standard(name) and not posix(name):
                yield f"{relative}: a plugin includes <postrider/...> only, not <{name}>"
            if bracket == '"' and not (path.parent / name).exists():
                yield f'{relative}: "{name}" is not a file of this plugin'
        elif parts[0] == "core" and len(parts) > 2:
            folder = parts[1]
            if bracket == '"' and not (path.parent / name).exists() and not allowed_in_core(folder, name):
                yield f'{relative}: core/{folder} may not include "{name}"'
            if folder == "smtp" and bracket == "<" and not standard(name) and not name.startswith("postrider/"):
                if not re.match(r"idn2\.h", name):
                    yield f"{relative}: core/smtp does no I/O and knows no library, not even <{name}>"
        if re.search(r"postrider/(task|loop)\.hpp", name) and parts[:2] == ("core", "smtp"):
            yield f"{relative}: core/smtp knows neither tasks nor loops"


def main():
    sources = [p for top in ("core", "sdk", "plugins", "tests")
               for suffix in ("*.hpp", "*.cpp") for p in (ROOT / top).rglob(suffix)]
    if len(sources) < 100:
        sys.exit(f"only {len(sources)} sources found below {ROOT}: this check looks in the wrong place")
    faults = [fault for path in sorted(sources) for fault in faults_of(path)]
    print("\n".join(faults))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
