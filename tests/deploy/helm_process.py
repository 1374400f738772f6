"""Runs Helm's library: `python helm_process.py LIBRARY`, a request a line, an answer a line.

A process of its own, because the library brings Go's runtime with its threads and signal handlers.

A request is JSON: `{"lint": CHART}`, or `{"template": CHART, "values": [FILE, …]}`.
The answer is `{"out": …, "err": …}`; `err` is empty where all is well.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any, ClassVar

#: The Kubernetes that templates are told of.
KUBERNETES = "1.34.0"


class _Result(ctypes.Structure):
    _fields_: ClassVar = [(name, ctypes.c_char_p) for name in ("out", "err", "std_out", "std_err")]


class _LintOptions(ctypes.Structure):
    _fields_: ClassVar = [
        ("path", ctypes.c_char_p),
        ("strict", ctypes.c_int),
        ("quiet", ctypes.c_int),
    ]


class _TemplateOptions(ctypes.Structure):
    _fields_: ClassVar = [
        *((name, ctypes.c_char_p) for name in ("name", "version", "chart", "namespace", "kube")),
        *((name, ctypes.c_int) for name in ("dependency_update", "skip_crds")),
        *((name, ctypes.c_char_p) for name in ("values", "set_files", "values_files")),
        *((name, ctypes.c_char_p) for name in ("cert_file", "key_file", "ca_file")),
        *((name, ctypes.c_int) for name in ("insecure", "plain_http")),
        ("keyring", ctypes.c_char_p),
        ("debug", ctypes.c_int),
        ("repository_config", ctypes.c_char_p),
    ]


def answer(helm: ctypes.CDLL, request: dict[str, Any]) -> dict[str, str]:
    """What Helm says to a request."""
    if "lint" in request:
        lint = _LintOptions(path=request["lint"].encode(), strict=1)
        result = helm.Lint(ctypes.byref(lint))
    else:
        template = _TemplateOptions(
            name=b"chat",
            chart=request["template"].encode(),
            namespace=b"chat",
            kube=KUBERNETES.encode(),
            values_files=",".join(request["values"]).encode(),
        )
        result = helm.Template(ctypes.byref(template))
    return {
        "out": (result.out or b"").decode(),
        "err": (result.err or b"").decode(),
    }


def main() -> None:
    """Serve requests until standard input ends."""
    helm = ctypes.CDLL(sys.argv[1])
    helm.Lint.restype = helm.Template.restype = _Result
    for line in sys.stdin:
        print(json.dumps(answer(helm, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
