#include "worker/cli/command_line.h"

#include <celeriac/config_reader.h>
#include <celeriac/json.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

namespace celeriac::worker {
namespace {

using Command = CommandLine::Command;

constexpr int kUsageError = 2;  // click's

// The options that Celery takes before the command.
constexpr std::array<std::string_view, 4> kGlobalSettings{"app", "broker_url", "result_backend",
                                                          "quiet"};

// An option of Celery's that is accepted because unit files have it.
struct Meaningless {
  const char* flags;
  const char* placeholder;  // null: takes no value
  const char* reason;       // null: it asks for what is the case anyway
};
constexpr auto kMeaningless = std::to_array<Meaningless>({
    {"--loader", "LOADER", "tasks come from modules given with -A"},
    {"--skip-checks", nullptr, "there are no Django checks"},
    {"-O,--optimization", "PROFILE", nullptr},
    {"-I,--include", "MODULES", "tasks come from modules given with -A"},
    {"-s,--schedule,--schedule-filename", "FILE", "the schedule is beat's"},
    {"--scheduler", "CLASS", "the schedule is beat's"},
    {"--executable", "FILE", "the program is this one"},
    {"--without-gossip", nullptr, nullptr},
    {"--without-mingle", nullptr, nullptr},
    {"--pool-start-method", "METHOD", "children are started anew, never forked"},
});

// "Send events." of an option that turns it off: "Do not send events."
std::string negated(const std::string& meaning) {
  constexpr char kToLower = 'a' - 'A';
  return "Do not " + std::string(1, static_cast<char>(meaning.front() + kToLower)) +
         meaning.substr(1);
}

// What a value looks like and what it is where none is given: "[seconds …; default: 120]".
std::string value_note(const Setting& setting) {
  static const Settings defaults;
  const Json value = setting.show(defaults);
  std::string note = setting.type == "text" ? "" : setting.type;
  const bool empty = value.is_null() || (value.as_array() && value.as_array()->empty());
  if (!empty) {
    const std::string* text = value.as_string();
    note += (note.empty() ? "default: " : "; default: ") + (text ? *text : dump_json(value));
  }
  return note.empty() ? "" : " [" + note + "]";
}

// Breaks a meaning into lines that fit beside the options.
std::string wrapped(std::string_view text) {
  constexpr std::size_t kWidth = 66;
  std::string lines;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (column > 0) {
      const bool fits = column + 1 + word.size() <= kWidth;
      lines += fits ? ' ' : '\n';
      column = fits ? column + 1 : 0;
    }
    lines += word;
    column += word.size();
  }
  return lines;
}

class Parser {
 public:
  Parser(CommandLine& line, const std::string& version)
      : line_(line), app_("A native Celery worker.", "celeriac") {
    app_.set_version_flag("--version", "celeriac " + version, "Show the version and end");
    app_.require_subcommand(0, 1);
    app_.get_formatter()->column_width(34);
    app_.get_formatter()->label("SUBCOMMAND", "COMMAND");
    app_.footer(
        "The options above may also stand behind the command.\n"
        "`celeriac COMMAND --help` shows what a command takes.\n\n"
        "Examples:\n"
        "  celeriac worker -A ./libproj.so -b amqp://rabbitmq// -l INFO\n"
        "  celeriac worker --config alerts.yaml --http 8000\n"
        "  celeriac check alerts.yaml\n\n"
        "See also docs/quick-start.md, docs/operations.md and docs/configuration.md.");
    for (const Setting& setting : setting_table()) {
      if (is_global(setting.name)) add_setting(app_, setting, "Options");
    }
    app_.add_option("--config", line_.config_files,
                    "Configuration in YAML: `worker:` and the alert rules. May be repeated")
        ->type_name("FILE")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->expected(1)
        ->allow_extra_args(false);
    app_.add_option("--workdir", line_.workdir, "The directory to work in")
        ->envname("CELERY_WORKDIR")
        ->type_name("DIR");
    add_no_color();
    add_worker();
    add_check();
    add_tasks();
    add_stubs();
    add_docs();
    for (CLI::App* command : app_.get_subcommands(nullptr)) command->group("Commands");
  }

  void parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
      if (line_.command == Command::none) refuse_missing_command();
      // Only now, since what stands behind a misspelt option looks like a setting.
      for (const std::string& assignment : assignments_) read_assignment(assignment);
    } catch (const CLI::Success& wanted) {
      finish(wanted, 0);
    } catch (const CLI::ParseError& error) {
      finish(error, kUsageError);
    }
  }

 private:
  static bool is_global(std::string_view name) {
    return std::find(kGlobalSettings.begin(), kGlobalSettings.end(), name) != kGlobalSettings.end();
  }

  void add_setting(CLI::App& app, const Setting& setting, const std::string& group) {
    const std::string origin = setting.option.substr(setting.option.rfind("--"));
    CLI::Option* option = nullptr;
    if (setting.placeholder.empty()) {
      option = app.add_flag_callback(setting.option, [this, &setting, origin] {
        line_.given.push_back({&setting, setting.flag_value, origin});
      });
    } else {
      // -A may be repeated; of the others the last one counts, as with click.
      option = app.add_option_function<std::vector<std::string>>(
          setting.option, [this, &setting, origin](const std::vector<std::string>& values) {
            std::string text;
            for (const std::string& value : values) {
              if (setting.name != "app") text.clear();
              text += (text.empty() ? "" : ",") + value;
            }
            line_.given.push_back({&setting, text, origin});
          });
      option->type_name(setting.placeholder)
          ->expected(1)
          ->allow_extra_args(false)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    const bool off = setting.flag_value == "false";
    const std::string note = setting.placeholder.empty() ? "" : value_note(setting);
    option->description(wrapped((off ? negated(setting.meaning) : setting.meaning) + note))
        ->group(group);
  }

  void add_no_color() {
    const Setting* color = find_setting("worker_log_color");
    app_.add_flag_callback(
        "-C,--no-color",
        [this, color] {
          line_.given.push_back({color, "false", "--no-color"});
        },
        "Show no colours.");
  }

  void add_meaningless(CLI::App& app) {
    for (const Meaningless& option : kMeaningless) {
      const auto note = [this, &option] {
        const std::string flags = option.flags;
        if (option.reason) {
          line_.warnings.push_back(flags.substr(flags.rfind("--")) +
                                   " has no effect: " + option.reason);
        }
      };
      const std::string group = option.reason ? "Accepted without effect" : "";
      if (option.placeholder) {
        app.add_option_function<std::string>(
               option.flags, [note](const std::string&) { note(); },
               option.reason ? option.reason : "")
            ->type_name(option.placeholder)
            ->group(group);
      } else {
        app.add_flag_callback(option.flags, note, option.reason ? option.reason : "")->group(group);
      }
    }
  }

  void add_worker() {
    CLI::App* worker = app_.add_subcommand("worker", "Run the tasks of the queues");
    worker->fallthrough()->get_formatter()->column_width(34);
    worker->footer(
        "Besides: -A MODULE, -b URL, --result-backend URL, --config FILE, -q and --workdir DIR, "
        "as\n"
        "`celeriac --help` explains them.\n\n"
        "Every setting of docs/configuration.md can be given as NAME=VALUE behind the options, in\n"
        "the environment as CELERY_NAME, and in --config. The first of these that has it "
        "counts.\n\n"
        "Signals:\n"
        "  TERM, INT           take no more tasks, let the running ones end, and end\n"
        "  INT again, QUIT     give the running tasks back to their queues, and end\n"
        "  HUP                 open the log file again\n\n"
        "Exit codes:\n"
        "  0                   after TERM, QUIT or `celery control shutdown`\n"
        "  1                   after INT, as Celery's; what cannot be started or went wrong\n"
        "  2                   a wrong option\n"
        "  73                  another worker holds the pidfile\n\n"
        "Examples:\n"
        "  celeriac worker -A ./libproj.so -Q reports,celery -c 4 -l INFO task_acks_late=true\n"
        "  celeriac worker --config alerts.yaml -n alerts@%h --http 8000 -l INFO\n"
        "  celeriac worker -A ./libproj.so -P prefork -c 4 --time-limit 5m --print-config\n\n"
        "See also docs/writing-tasks.md, docs/operations.md and docs/configuration.md.");
    for (const Setting& setting : setting_table()) {
      if (!setting.option.empty() && !is_global(setting.name)) {
        add_setting(*worker, setting, setting.topic);
      }
    }
    worker
        ->add_flag_callback(
            "-B,--beat",
            [] {
              throw CLI::ValidationError(
                  "-B",
                  "this worker runs no beat; run `celery -A APP beat` as a process of its "
                  "own, one for all workers");
            },
            "")
        ->group("");
    worker
        ->add_flag("--print-config", line_.print_config,
                   "Show the settings in force, without passwords, and end")
        ->group("Process");
    add_meaningless(*worker);
    worker->add_option("settings", assignments_, "More settings")->type_name("NAME=VALUE");
    worker->callback([this] { line_.command = Command::worker; });
  }

  // NAME=VALUE, or Celery's SECTION.KEY=VALUE, where no section is `worker`.
  void read_assignment(const std::string& word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) {
      throw CLI::ValidationError(word, "is neither an option nor NAME=VALUE");
    }
    std::string name = word.substr(0, equals);
    if (name.starts_with('.')) name = "worker" + name;
    if (const std::size_t dot = name.find('.'); dot != std::string::npos) name[dot] = '_';
    const Setting* setting = find_setting(name);
    if (!setting) {
      std::vector<std::string> names;
      for (const Setting& known : setting_table()) names.push_back(known.name);
      const auto nearest = nearest_name(name, names);
      throw CLI::ValidationError(word, "there is no setting '" + name + "'" +
                                           (nearest ? "; did you mean '" + *nearest + "'?"
                                                    : "; docs/configuration.md lists them"));
    }
    line_.given.push_back({setting, word.substr(equals + 1), name});
  }

  void add_check() {
    CLI::App* check =
        app_.add_subcommand("check", "Report every mistake in configuration files and end");
    check->fallthrough();
    check->footer(
        "Prints FILE:LINE:COLUMN: MISTAKE; REMEDY for each and ends with 1, or with 0 where there\n"
        "is none. Nothing is connected to. ${NAME} is taken from the environment, so set what the\n"
        "worker will have.\n\n"
        "Example:\n"
        "  LARK_WEBHOOK_URL=https://example.org/ celeriac check alerts.yaml\n\n"
        "See also docs/alert-rules.md and docs/configuration.md.");
    check->add_option("FILE", line_.files, "YAML with `worker:` or alert rules")
        ->required()
        ->type_name("");
    check->callback([this] { line_.command = Command::check; });
  }

  void add_tasks() {
    CLI::App* tasks = app_.add_subcommand("tasks", "List the tasks of the program and of -A");
    tasks->fallthrough();
    tasks->footer(
        "Shows of each its signature as Python calls it, where it runs, and its options. Nothing\n"
        "is connected to. -A MODULE (repeatable) and --config FILE say what is loaded.\n\n"
        "Example:\n"
        "  celeriac tasks -A ./libproj.so --config alerts.yaml\n\n"
        "See also docs/writing-tasks.md.");
    tasks->callback([this] { line_.command = Command::tasks; });
  }

  void add_stubs() {
    CLI::App* stubs = app_.add_subcommand(
        "stubs", "Write the tasks of the program and of -A as a typed Python module");
    stubs->fallthrough()->get_formatter()->column_width(38);
    stubs->footer(
        "The module sends the tasks through the Celery app of whoever imports it; IDEs and mypy "
        "know the arguments and what get() returns. docs/stubs.md shows how.\n\n"
        "Examples:\n"
        "  celeriac stubs -A ./libproj.so -o proj_tasks.py\n"
        "  celeriac stubs -A ./libproj.so --json-schema > tasks.schema.json");
    stubs
        ->add_option("-o,--output", line_.stubs.file, "Write to FILE instead of to standard output")
        ->type_name("FILE");
    stubs->add_flag_callback(
        "--json-schema", [this] { line_.stubs.format = StubsRequest::Format::json_schema; },
        "Write a JSON Schema of each task's arguments and result instead");
    stubs->callback([this] { line_.command = Command::stubs; });
  }

  void add_docs() {
    CLI::App* docs = app_.add_subcommand("docs", "Write a page of the documentation");
    docs->require_subcommand(1);
    docs->footer("Example:\n  celeriac docs settings > docs/configuration.md");
    docs->add_subcommand("settings", "Every setting: docs/configuration.md")->callback([this] {
      line_.command = Command::settings_manual;
    });
  }

  void finish(const CLI::ParseError& end, int exit_code) {
    line_.command = Command::none;
    line_.exit_code = exit_code;
    std::ostringstream output, errors;
    if (exit_code == 0) {
      app_.exit(end, output, errors);
      line_.output = output.str();
      return;
    }
    const CLI::App* chosen = &app_;
    for (const CLI::App* sub : app_.get_subcommands()) chosen = sub;
    const std::string command = chosen == &app_ ? "celeriac" : "celeriac " + chosen->get_name();
    std::string words = chosen == &app_ ? " COMMAND" : "";
    for (const CLI::Option* option : chosen->get_options()) {
      if (option->get_positional() && option->get_required()) words += " " + option->get_name();
    }
    line_.output = "Usage: " + command + " [OPTIONS]" + words + "\nTry '" + command +
                   " --help' for help.\n\nError: " + explain(end, *chosen) + "\n";
  }

  // click's words for what CLI11 found, with the option that was probably meant.
  std::string explain(const CLI::ParseError& error, const CLI::App& chosen) const {
    if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::ExtrasError)) {
      return error.what();
    }
    const std::vector<std::string> extras = app_.remaining(true);
    const std::string word = extras.empty() ? "" : extras.front();
    if (!word.starts_with('-')) {
      return "No such command '" + word + "'." + suggestion(word, command_names());
    }
    return "No such option: " + word.substr(0, word.find('=')) +
           suggestion(word.substr(0, word.find('=')), option_names(chosen));
  }

  static std::string suggestion(const std::string& word, const std::vector<std::string>& names) {
    const auto nearest = nearest_name(word, names);
    return nearest ? " Did you mean " + *nearest + "?" : "";
  }

  [[noreturn]] void refuse_missing_command() const {
    std::string names;
    for (const std::string& name : command_names()) names += (names.empty() ? "" : ", ") + name;
    throw CLI::ValidationError("Missing command. There are " + names);
  }

  std::vector<std::string> command_names() const {
    std::vector<std::string> names;
    for (const CLI::App* sub : app_.get_subcommands(nullptr)) names.push_back(sub->get_name());
    return names;
  }

  std::vector<std::string> option_names(const CLI::App& chosen) const {
    std::vector<std::string> names;
    for (const CLI::App* app : {&app_, &chosen}) {
      for (const CLI::Option* option : app->get_options()) {
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
      }
    }
    return names;
  }

  CommandLine& line_;
  std::vector<std::string> assignments_;  // NAME=VALUE behind the options of `worker`
  CLI::App app_;
};

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv, const std::string& version) {
  CommandLine line;
  Parser(line, version).parse(argc, argv);
  return line;
}

}  // namespace celeriac::worker
