// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/documents.h"

#include <CLI/CLI.hpp>
#include <sstream>
#include <vector>

namespace dam::ctl {

namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* one) { return !one->get_name().empty(); });
}

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  const CLI::Option* help = app.get_help_ptr();  // which every command has
  return app.get_options(
      [help](const CLI::Option* one) { return one != help && !one->get_group().empty(); });
}

// A line of text: what begins with a dot or an apostrophe would be a request, backslashes escapes.
std::string roff(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') result += "\\e";
    if (c == '-') result += "\\-";
    if (c != '\\' && c != '-') result += c;
  }
  const bool request = !result.empty() && (result.front() == '.' || result.front() == '\'');
  return request ? "\\&" + result : result;
}

std::string usage_of(const CLI::Option& option) {
  std::string text = option.get_name(option.get_positional(), true);
  if (option.get_positional()) return option.get_name(true);
  if (option.get_expected_max() > 0 && option.get_type_size() > 0) text += " VALUE";
  return text;
}

void write_options(std::ostream& out, const CLI::App& app) {
  for (const CLI::Option* option : options_of(app)) {
    out << ".TP\n\\fB" << roff(usage_of(*option)) << "\\fR\n" << roff(option->get_description());
    const std::string usual = option->get_default_str();
    if (!usual.empty()) out << " [" << roff(usual) << "]";
    out << "\n";
  }
}

void write_commands(std::ostream& out, const CLI::App& app, const std::string& before) {
  for (const CLI::App* command : commands_of(app)) {
    const std::string name = before + command->get_name();
    out << ".SS \"" << roff(name);
    for (const CLI::Option* option : options_of(*command)) {
      if (option->get_positional()) out << " " << roff(option->get_name(true));
    }
    out << "\"\n" << roff(command->get_description()) << "\n";
    write_options(out, *command);
    write_commands(out, *command, name + " ");
  }
}

// The words that may follow: commands, and the long or short names of options.
std::string words_after(const CLI::App& app) {
  std::string words;
  for (const CLI::App* command : commands_of(app)) words += command->get_name() + " ";
  for (const CLI::Option* option : options_of(app)) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
    for (const std::string& name : option->get_snames()) words += "-" + name + " ";
  }
  if (!words.empty()) words.pop_back();
  return words;
}

void write_cases(std::ostream& out, const CLI::App& app, const std::string& path) {
  out << "    '" << path << "') words='" << words_after(app) << "' ;;\n";
  for (const CLI::App* command : commands_of(app)) {
    write_cases(out, *command, path + (path.empty() ? "" : " ") + command->get_name());
  }
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "\\'" : std::string(1, c);
  return result + "'";
}

void write_fish(std::ostream& out, const CLI::App& app, const std::string& where) {
  for (const CLI::App* command : commands_of(app)) {
    out << "complete -c damctl -n " << quoted(where) << " -a " << command->get_name() << " -d "
        << quoted(command->get_description()) << "\n";
  }
  for (const CLI::Option* option : options_of(app)) {
    if (option->get_positional()) continue;
    out << "complete -c damctl -n " << quoted(where);
    for (const std::string& name : option->get_lnames()) out << " -l " << name;
    for (const std::string& name : option->get_snames()) out << " -s " << name;
    out << (option->get_type_size() > 0 ? " -r" : "") << " -d " << quoted(option->get_description())
        << "\n";
  }
  for (const CLI::App* command : commands_of(app)) {
    write_fish(out, *command, "__fish_seen_subcommand_from " + command->get_name());
  }
}

}  // namespace

std::string manual_page(const CLI::App& app) {
  std::ostringstream out;
  out << ".TH DAMCTL 8 \"\" \"Traffic Dam\"\n.SH NAME\ndamctl \\- " << roff(app.get_description())
      << "\n.SH SYNOPSIS\n.B damctl\n[OPTIONS] COMMAND ...\n"
      << ".SH OPTIONS\n";
  write_options(out, app);
  out << ".SH COMMANDS\n";
  write_commands(out, app, "");
  out << ".SH \"EXIT STATUS\"\n" << roff(app.get_footer()) << "\n";
  return out.str();
}

std::string bash_completion(const CLI::App& app) {
  std::ostringstream out;
  out << R"sh(# damctl's completion for bash; zsh: autoload bashcompinit && bashcompinit first.
_damctl() {
  local words= path= word
  local at="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD - 1]}"
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) continue ;; esac
    if _damctl_words "${path:+$path }$word" >/dev/null; then path="${path:+$path }$word"; fi
  done
  case $before in -f | --file) COMPREPLY=($(compgen -f -- "$at")); return ;; esac
  COMPREPLY=($(compgen -W "$(_damctl_words "$path")" -- "$at"))
}
_damctl_words() {
  local words
  case $1 in
)sh";
  write_cases(out, app, "");
  out << R"sh(    *) return 1 ;;
  esac
  printf '%s' "$words"
}
complete -F _damctl damctl
)sh";
  return out.str();
}

std::string fish_completion(const CLI::App& app) {
  std::ostringstream out;
  out << "# damctl's completion for fish.\n";
  write_fish(out, app, "__fish_use_subcommand");
  return out.str();
}

}  // namespace dam::ctl
