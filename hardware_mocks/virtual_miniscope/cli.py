"""The command line of the virtual Miniscope."""

from __future__ import annotations

import argparse
import sys
import time

from virtual_miniscope.daq import Daq
from virtual_miniscope.faults import FAULTS, parse_fault
from virtual_miniscope.firmware import FIRMWARES
from virtual_miniscope.tissue_by_name import tissue_named
from virtual_miniscope.usbip_server import UsbIpServer
from virtual_miniscope.usbip_wire import PORT


def main(arguments: list[str] | None = None) -> int:
    """Run `virtual-miniscope`; 2 for bad input."""
    parser = argparse.ArgumentParser(
        prog="virtual-miniscope",
        description="A UCLA Miniscope that is not there.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="faults, as NAME[=VALUE][@SECONDS]:\n"
        + "\n".join(f"  {name:10} {text} ({usual:g})" for name, (usual, text) in FAULTS.items()),
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve",
        help="serve it over USB/IP",
        epilog=parser.epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on")
    serve.add_argument("--port", type=int, default=PORT)
    serve.add_argument("--firmware", choices=list(FIRMWARES), default="stock")
    serve.add_argument("--tissue", default="tissue", help="a simulation preset, or pattern")
    serve.add_argument("--seed", type=int)
    serve.add_argument("--fault", action="append", default=[], metavar="NAME=VALUE@SECONDS")
    serve.add_argument("--for", dest="seconds", type=float, help="end by itself")
    chosen = parser.parse_args(arguments)
    try:
        daq = Daq(
            tissue=tissue_named(chosen.tissue, chosen.seed),
            firmware=FIRMWARES[chosen.firmware],
            faults=[parse_fault(fault) for fault in chosen.fault],
        )
        server = UsbIpServer(
            daq, chosen.host, chosen.port, say=lambda text: print(text, flush=True)
        )
    except (ValueError, OSError, OverflowError) as error:
        print(f"virtual-miniscope: {error}", file=sys.stderr)
        return 2
    host, port = server.address
    print(
        f"A virtual Miniscope waits at {host}:{port}. As root on the machine that shall see it:\n"
        f"  modprobe vhci-hcd && usbip --tcp-port {port} attach -r {host} -b 1-1\n"
        f"or, with no kernel between, as the device usbip:{host}:{port}",
        flush=True,
    )
    try:
        time.sleep(chosen.seconds if chosen.seconds is not None else 1e9)
    except KeyboardInterrupt:
        pass
    finally:
        server.close()
    return 0
