"""Reads from the rules what beat has to know: when each is due and which queue it goes to.

The worker reads the same file and checks all of it (`celeriac check alerts.yaml`). Only the values
used here are expanded, so beat needs none of the secrets that sources and channels refer to.
"""

import re
from datetime import timedelta

import yaml
from celery.schedules import ParseException, crontab

TASK = "tasks.fetch"

# A rule that comes due this often or more rarely; less would be a typing error.
LEAST_INTERVAL = 1.0

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class RulesError(ValueError):
    """A mistake in the file; the text names file, line, column and the remedy."""


def load_schedule(path, environment, app):
    """The beat_schedule of a rules file. Raises RulesError."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise RulesError(
            f"{path}: {error.strerror}; set ALERTS_CONFIG to the file with the rules"
        ) from None
    return read_schedule(text, str(path), environment, app)


def read_schedule(text, path, environment, app):
    """The same from text: {entry name: entry}, as Celery's `beat_schedule` setting takes it."""
    return _Reader(path, environment, app).schedule(_compose(text, path))


def _compose(text, path):
    """The document as nodes, which know their places. Aliases and `<<` are resolved."""
    loader = yaml.SafeLoader(text)
    loader.name = path
    try:
        root = loader.get_single_node()
        _flatten(loader, root, path, seen=set())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise RulesError(f"{_at(path, mark)}: {error.problem}; this is not valid YAML") from None
    except yaml.YAMLError as error:
        raise RulesError(f"{path}: {error}") from None
    finally:
        loader.dispose()
    return root


def _flatten(loader, node, path, seen):
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        _refuse_duplicates(node, path)
        loader.flatten_mapping(node)
        # A merged key stands before the map's own, which wins as the later one.
        for _, value in node.value:
            _flatten(loader, value, path, seen)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _flatten(loader, value, path, seen)


def _refuse_duplicates(node, path):
    seen = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise RulesError(f"{_at(path, key.start_mark)}: a key must be a plain name")
        if key.value in seen and key.value != "<<":
            raise RulesError(f"{_at(path, key.start_mark)}: '{key.value}' stands here twice")
        seen.add(key.value)


def _at(path, mark):
    return f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path


class _Reader:
    def __init__(self, path, environment, app):
        self._path = path
        self._environment = environment
        self._app = app

    def schedule(self, root):
        if root is None:
            raise RulesError(f"{self._path}:1:1: the file is empty; it needs `rules:`")
        top = self._map(root, "the file")
        defaults = self._map(top.get("defaults"), "defaults")
        bound = self._bound_rules(top.get("tasks"))
        if "rules" not in top:
            raise self._mistake(root, "there are no `rules:`")
        entries = {}
        for name, node in self._map(top["rules"], "rules").items():
            rule = self._map(node, f"rule '{name}'")
            when, expires = self._when(name, rule, {} if name in bound else defaults)
            if when is None:
                continue
            options = {"expires": expires, "ignore_result": True}
            queue = self._text(rule.get("queue", defaults.get("queue")), f"queue of rule '{name}'")
            if queue:
                options["queue"] = queue
            entries[f"alerts: {name}"] = {
                "task": TASK,
                "schedule": when,
                "args": (name,),
                "options": options,
            }
        return entries

    def _bound_rules(self, node):
        """The rules that a task of somebody else's schedule runs: no default schedule for them."""
        bound = set()
        for task, rules in self._map(node, "tasks").items():
            what = f"rule of task '{task}'"
            if isinstance(rules, yaml.MappingNode):
                rules = self._map(rules, f"task '{task}'").get("rules")
            if rules is None:
                continue
            items = rules.value if isinstance(rules, yaml.SequenceNode) else [rules]
            bound |= {self._text(item, what) for item in items}
        return bound

    def _when(self, name, rule, defaults):
        """The schedule of a rule and the seconds after which a run is no longer wanted."""
        if not self._absent(rule.get("every")) and not self._absent(rule.get("cron")):
            raise self._mistake(
                rule["cron"], f"rule '{name}' has both `every` and `cron`; keep one"
            )
        own = [key for key in ("cron", "every") if key in rule]
        values = rule if own else defaults
        if not self._absent(values.get("cron")):
            return self._crontab(values["cron"], name)
        if not self._absent(values.get("every")):
            seconds = self._seconds(values["every"], name)
            return seconds, seconds
        return None, None

    def _seconds(self, node, name):
        text = self._text(node, f"every of rule '{name}'")
        seconds = duration(text)
        if seconds is None:
            raise self._mistake(
                node, f"every of rule '{name}' is '{text}'; write seconds or 30s, 5m, 2h, 1d"
            )
        if seconds < LEAST_INTERVAL:
            raise self._mistake(
                node, f"every of rule '{name}' is {text}; the shortest is {LEAST_INTERVAL:g}s"
            )
        return seconds

    def _crontab(self, node, name):
        text = self._text(node, f"cron of rule '{name}'")
        fields = text.split()
        if len(fields) != 5:
            raise self._mistake(
                node,
                f"cron of rule '{name}' is '{text}'; write five fields: "
                "minute hour day-of-month month day-of-week",
            )
        minute, hour, day, month, weekday = fields
        try:
            when = crontab(
                minute=minute,
                hour=hour,
                day_of_month=day,
                month_of_year=month,
                day_of_week=weekday,
                app=self._app,
            )
            return when, shortest_gap(when)
        except (ParseException, ValueError) as error:
            raise self._mistake(node, f"cron of rule '{name}' is '{text}': {error}") from None

    def _map(self, node, what):
        """The members of a map by key; of nothing, none."""
        if self._absent(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            raise self._mistake(node, f"{what} must be a map of names and values")
        return {key.value: value for key, value in node.value}

    def _text(self, node, what):
        """A scalar with its variables expanded; None where it is absent."""
        if self._absent(node):
            return None
        if not isinstance(node, yaml.ScalarNode):
            raise self._mistake(node, f"{what} must be a single value")

        def value_of(match):
            if match.group(1) is None:
                return "${"  # written as $${
            value = self._environment.get(match.group(1))
            if not value and match.group(2) is not None:
                return match.group(2)
            if value is None:
                raise self._mistake(
                    node, f"environment variable {match.group(1)} is not set ({what})"
                )
            return value

        return _VARIABLE.sub(value_of, node.value)

    @staticmethod
    def _absent(node):
        return node is None or node.tag == "tag:yaml.org,2002:null"

    def _mistake(self, node, sentence):
        return RulesError(f"{_at(self._path, node.start_mark)}: {sentence}")


def duration(text):
    """Seconds of `90`, `1.5`, `30s`, `500ms`, `5m`, `2h`, `1d`, `1h30m`; else None."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not _DURATION.fullmatch(text):
        return None
    parts = _DURATION_PART.findall(text)
    return round(sum(float(number) * _UNITS[unit] for number, unit in parts), 3)


def shortest_gap(when, runs=60):
    """Seconds between the two nearest of the next runs of a crontab.

    A run that is still queued when the next one is due is not wanted any more.
    """
    gaps = []
    at = when.now()
    for _ in range(runs):
        last, delta, _ = when.remaining_delta(at)
        following = last + delta
        gaps.append(following - at)
        at = following
    return max(min(gaps[1:]), timedelta(seconds=60)).total_seconds()
