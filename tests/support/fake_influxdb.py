"""InfluxDB 2 (Flux, annotated CSV) and 3 (SQL, JSON): no Debian package has them.

A test says what a query returns; the fake checks how it was asked (path, token, organisation,
dialect) and answers in the documented shapes, errors included.
"""

import csv
import dataclasses
import io
import json
import urllib.parse

from support.fake_http import Answer, FakeService, Faults, Inbox

_JSON = (("Content-Type", "application/json; charset=utf-8"),)


@dataclasses.dataclass(frozen=True)
class Table:
    """One Flux table. `columns` are (name, datatype, in the group key)."""

    columns: tuple
    rows: tuple = ()
    result: str = "_result"


class FakeInfluxDB(FakeService):
    """Planned answers by a part of the query text."""

    def __init__(self):
        super().__init__()
        self.queries = Inbox()  # the query texts that were asked
        self.requests = Inbox()
        self._faults = Faults()
        self._planned = []

    def fail_next(self, times, answer):
        """The next queries get this HTTP answer, whatever they ask."""
        self._faults.plan(times, answer)

    def on(self, part_of_query, answer):
        """What a query containing this text returns; a later plan wins."""
        self._planned.insert(0, (part_of_query, answer))

    def _planned_for(self, query):
        return next((answer for part, answer in self._planned if part in query), None)


class FakeInfluxDB2(FakeInfluxDB):
    """Answers are lists of Table, or an Answer."""

    def __init__(self, org="plant", token="flux-token"):
        super().__init__()
        self.org, self.token = org, token

    def answer(self, request):
        self.requests.put(request)
        if request.path in ("/ping", "/health"):
            return Answer(204 if request.path == "/ping" else 200)
        if request.path != "/api/v2/query" or request.method != "POST":
            return flux_error(404, "not found", "path not found")
        if request.headers.get("authorization") != f"Token {self.token}":
            return flux_error(401, "unauthorized", "unauthorized access")
        if urllib.parse.parse_qs(request.query).get("org") != [self.org]:
            return flux_error(404, "not found", "failed to initialize execute state: no such org")
        try:
            query, annotated = self._parse(request)
        except (ValueError, KeyError, TypeError):
            return flux_error(400, "invalid", "failed to decode request body")
        self.queries.put(query)
        fault = self._faults.take()
        if fault:
            return fault
        planned = self._planned_for(query)
        if planned is None:
            return flux_error(400, "invalid", "error @1:1-1:4: undefined identifier")
        if isinstance(planned, Answer):
            return planned
        return Answer(200, annotated_csv(planned, annotated), _CSV)

    @staticmethod
    def _parse(request):
        """The script and whether it is to be answered with annotation rows."""
        if request.headers.get("content-type", "").startswith("application/vnd.flux"):
            return request.raw.decode(), False
        body = request.json
        annotations = body.get("dialect", {}).get("annotations", [])
        return body["query"], set(annotations) >= {"datatype", "group", "default"}


_CSV = (("Content-Type", "text/csv; charset=utf-8"),)


def flux_error(status, code, message):
    """A refusal before the first byte of a result."""
    headers = (*_JSON, ("X-Platform-Error-Code", code))
    return Answer(status, {"code": code, "message": message}, headers)


def flux_late_error(tables, message):
    """Rows first, then the table that says that the query failed: still HTTP 200."""
    text = annotated_csv(tables, annotated=True)
    text += "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n"
    text += f",error,reference\r\n,{message},\r\n"
    return Answer(200, text, _CSV)


def annotated_csv(tables, annotated):
    """The body of an answer: CRLF, a new header at each change of schema, a CRLF at the end."""
    if not tables:
        return "\r\n"
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    schema = None
    for number, table in enumerate(tables):
        names, types, groups = zip(*table.columns, strict=True)
        group_values = table.rows[0] if table.rows else ("",) * len(names)
        if (table.columns, table.result) != schema or not table.rows:
            if schema:
                out.write("\r\n")
            defaults = [
                _cell(value) if not table.rows and group else ""
                for value, group in zip(group_values, groups, strict=True)
            ]
            if annotated:
                writer.writerow(["#datatype", "string", "long", *types])
                writer.writerow(["#group", "false", "false", *(str(g).lower() for g in groups)])
                writer.writerow(["#default", table.result, "", *defaults])
            writer.writerow(["", "result", "table", *names])
            schema = (table.columns, table.result)
        for row in table.rows:
            result = "" if annotated else table.result
            writer.writerow(["", result, number, *map(_cell, row)])
    out.write("\r\n")
    return out.getvalue()


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:f}".rstrip("0").rstrip(".")  # Flux writes no exponents
    return str(value)


class FakeInfluxDB3(FakeInfluxDB):
    """Answers are lists of row mappings (None is left out, as the server does), or an Answer."""

    def __init__(self, database="mon", token="sql-token"):
        super().__init__()
        self.database, self.token = database, token

    def answer(self, request):
        self.requests.put(request)
        if request.headers.get("authorization") not in (
            f"Bearer {self.token}",
            f"Token {self.token}",
        ):
            return Answer(401, {"error": "the request was not authenticated"}, _JSON)
        if request.path not in ("/api/v3/query_sql", "/api/v3/query_influxql"):
            return Answer(404, "not found")
        try:
            asked = self._parse(request)
            query, database = asked["q"], asked["db"]
        except (ValueError, KeyError, TypeError):
            return Answer(400, {"error": "missing field `q` or `db`"}, _JSON)
        if request.headers.get("accept", "*/*") not in ("*/*", *_ACCEPTED):
            return Answer(400, {"error": "invalid mime type"}, _JSON)
        self.queries.put(query)
        fault = self._faults.take()
        if fault:
            return fault
        if database != self.database:
            return Answer(404, {"error": f"database not found: {database}"}, _JSON)
        planned = self._planned_for(query)
        if planned is None:
            return Answer(400, {"error": "SQL error: ParserError at Line: 1, Column: 1"}, _JSON)
        if isinstance(planned, Answer):
            return planned
        rows = [{k: v for k, v in row.items() if v is not None} for row in planned]
        if asked.get("format", "json") == "jsonl":
            return Answer(200, "".join(json.dumps(row) + "\n" for row in rows), _JSONL)
        return Answer(200, rows, _JSON)

    @staticmethod
    def _parse(request):
        if request.method == "POST":
            return request.json
        return {k: v[0] for k, v in urllib.parse.parse_qs(request.query).items()}


_JSONL = (("Content-Type", "application/jsonl"),)
_ACCEPTED = ("application/json", "text/csv", "text/plain", "application/vnd.apache.parquet")
