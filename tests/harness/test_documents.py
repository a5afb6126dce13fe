"""The reader of pages notices what is wrong with a page."""

import itertools
import textwrap

import pytest

from support.documents import UNTIL_STOPPED, Reader, WrongPage, blocks_of, first_missing


@pytest.fixture
def read(tmp_path):
    pages = itertools.count()

    def read_page(text, **options):
        page = tmp_path / "page.md"
        page.write_text(textwrap.dedent(text))
        options = {"addresses": [], "variables": {}, **options}
        folder = tmp_path / str(next(pages))
        folder.mkdir()
        with Reader(folder, **options) as reader:
            reader.read(blocks_of(page, "page.md"))
        return reader

    return read_page


def test_commands_share_a_shell_and_show_what_they_print(read):
    read(
        """
        ```console
        $ export NAME="two words" && mkdir folder && cd folder
        $ echo "$NAME" \\
            and more
        two words and more
        $ basename $PWD                     # a remark
        folder
        ```
        """
    )


def test_a_command_that_fails_is_an_error_with_its_place(read):
    with pytest.raises(WrongPage, match=r"page.md:3: `ls missing` ended with 2"):
        read("\n```console\n$ ls missing\n```\n")


def test_a_command_may_fail_where_its_exit_code_is_shown(read):
    read("```console\n$ (exit 3)\n$ echo $?\n3\n```\n")
    with pytest.raises(WrongPage, match="does not print what is shown:\n4"):
        read("```console\n$ (exit 3)\n$ echo $?\n4\n```\n")


def test_output_that_is_not_printed_is_an_error(read):
    with pytest.raises(WrongPage, match="does not print what is shown:\nbye"):
        read("```console\n$ echo hello\nbye\n```\n")


def test_a_language_that_nothing_checks_is_an_error(read):
    with pytest.raises(WrongPage, match="a block in fortran"):
        read("```fortran\n```\n")
    with pytest.raises(WrongPage, match="a block in no language"):
        read("```\n$ rm -rf /\n```\n")


@pytest.mark.parametrize(
    "text",
    [
        "```console  # two words\n$ true\n```\n",
        "```console\n$ true\n",
        "~~~\n$ true\n~~~\n",
        "    $ true\n",
        "\ttrue\n",
        "<pre>true</pre>\n",
        "    worker: {}\n",
    ],
)
def test_what_looks_like_code_is_in_a_block_that_is_read(read, text):
    with pytest.raises(WrongPage, match=r"page.md:\d+: not in a block that is read"):
        read("Words.\n\n" + text)


def test_a_file_is_used(read):
    with pytest.raises(WrongPage, match=r"page.md:2: nothing below uses greet\.py"):
        read("```python\n# greet.py\n1 / 0\n```\n")


def test_a_drawing_has_no_commands(read):
    read("```text\na --> b\n```\n")
    for text in ("$ true\n", "worker: {}\n"):
        with pytest.raises(WrongPage, match="a drawing has no commands"):
            read(f"```text\n{text}```\n")


def test_wrong_rules_for_logrotate_are_an_error(read):
    read("```logrotate\n/var/log/x.log {\n  daily\n}\n```\n")
    with pytest.raises(WrongPage, match="dayly"):
        read("```logrotate\n/var/log/x.log {\n  dayly\n}\n```\n")


def test_files_are_written_and_continued(read):
    read(
        """
        ```python
        # greet.py
        def greet():
            return "hello"
        ```
        ```python
        # greet.py (continued)
        WORLD = greet() + " world"
        ```
        ```python
        >>> import greet
        >>> greet.WORLD
        'hello world'
        ```
        """,
        variables={"PYTHONPATH": "."},
    )


def test_wrong_python_is_an_error(read):
    with pytest.raises(WrongPage, match="Expected"):
        read("```python\n>>> 1 + 1\n3\n```\n")
    with pytest.raises(WrongPage, match="ZeroDivisionError"):
        read("```python\n1 / 0\n```\n")


def test_addresses_are_replaced(read):
    read(
        "```console\n$ echo redis:6379\n127.0.0.1:1\n```\n",
        addresses=[("redis:6379", "127.0.0.1:1")],
    )


def test_what_is_not_run_is_told(read):
    reader = read("```console\n$ rm -r /nowhere   # never\n```\n", not_run={"rm -r /nowhere"})
    assert reader.left_out == {"rm -r /nowhere"}


def test_shown_lines_stand_in_their_order():
    output = "[2026-01-02 03:04:05,678: INFO/MainProcess] celery@web-1 ready.\nthen  this\n"
    assert (
        first_missing(["[2030-12-31 00:00:00,000: INFO/MainProcess] celery@x ready."], output)
        is None
    )
    assert first_missing(["… ready.", "then this"], output) is None
    assert first_missing(["then this", "… ready."], output) == "… ready."


def test_what_runs_until_it_is_stopped_is_stopped(read, monkeypatch):
    monkeypatch.setitem(UNTIL_STOPPED, r"^python wait\.py", "ready")
    page = """
        ```python
        # wait.py
        import time
        print("ready")
        try:
            time.sleep(99)
        except KeyboardInterrupt:
            print("bye")
        ```
        ```console
        $ python wait.py
        ready
        ```
        ```console
        ^C
        %s
        ```
        """
    read(page % "bye")
    with pytest.raises(WrongPage, match="not printed at the end: hello"):
        read(page % "hello")
