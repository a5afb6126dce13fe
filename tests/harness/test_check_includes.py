"""The include checker finds what it is there to find."""

import importlib.util

import pytest

from support.celeriac import ROOT

_spec = importlib.util.spec_from_file_location("check", ROOT / "scripts/check_includes.py")
check = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(check)

PROTOCOL_HEADERS = {"celeriac/json.h"}


def complaints(path, text):
    return check.complaints(path, text, PROTOCOL_HEADERS)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("protocol/url/url.cpp", '#include "protocol/url/url.h"\n#include <celeriac/json.h>'),
        ("protocol/json/json.cpp", "#include <rapidjson/document.h>\n#include <string>"),
        ("worker/loop/loop.cpp", '#include <uv.h>\n#include "protocol/url/url.h"'),
        ("worker/broker/amqp/frames.cpp", "#include <amqp_tcp_socket.h>\n#include <sys/socket.h>"),
        ("worker/main.cpp", '#include "tasks/alerts/register.h"'),
        ("tasks/alerts/rule.cpp", '#include <celeriac/context.h>\n#include "tasks/alerts/rule.h"'),
        ("worker/text/string_utility.h", ""),
        ("tests/unit/url_test.cpp", '#include <gtest/gtest.h>\n#include "protocol/url/url.h"'),
    ],
)
def test_right_directions_pass(path, text):
    assert complaints(path, text) == []


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("protocol/url/url.cpp", '#include "worker/loop/loop.h"', "may not include worker/"),
        ("protocol/url/url.cpp", "#include <celeriac/context.h>", "the worker's"),
        ("protocol/url/url.cpp", "#include <mutex>", "pure"),
        ("protocol/url/url.cpp", "auto t = std::chrono::system_clock::now();", "as an argument"),
        ("protocol/url/url.cpp", '#include "../json/json.h"', "climbs up"),
        ("tasks/alerts/rule.cpp", '#include "worker/loop/loop.h"', "may not include worker/"),
        ("tasks/alerts/rule.cpp", '#include "protocol/url/url.h"', "may not include protocol/"),
        ("worker/pool/pool.cpp", '#include "tasks/alerts/rule.h"', "may not include tasks/"),
        ("worker/pool/pool.cpp", "#include <rabbitmq-c/amqp.h>", "belongs to worker/broker/amqp/"),
        ("worker/pool/pool.cpp", "#include <amqp.h>", "belongs to worker/broker/amqp/"),
        ("worker/pool/pool.cpp", "#include <boost/asio.hpp>", "no rule for this library"),
        ("worker/utils/x.h", "", "says nothing"),
        ("elsewhere/x.h", "", "no rule for this folder"),
    ],
)
def test_wrong_directions_are_named_with_their_line(path, text, reason):
    found = complaints(path, "\n" + text)
    assert len(found) == 1
    assert found[0].startswith(f"{path}:2: " if text else f"{path}:1: ")
    assert reason in found[0]
