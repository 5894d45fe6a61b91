"""The scripts by which bash, zsh and fish complete, and where each is installed.

None of them evaluates what it reads: file names and names in files may be a stranger's.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from convcalc.cli.console import Failure, append_file, write_file

SHELLS = ("bash", "zsh", "fish")
_BY_TYPER = ("powershell", "pwsh")

BASH = r"""# Completion of convcalc in bash.
_convcalc_completion() {
    local line before="${COMP_LINE:0:COMP_POINT}"
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(_CONVCALC_COMPLETE=bash "$1" "$before" "$COMP_WORDBREAKS" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/:,.] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o default -F _convcalc_completion convcalc
"""

ZSH = r"""#compdef convcalc
# Completion of convcalc in zsh.
_convcalc() {
    local line text
    local -a before lines open closed open_shown closed_shown
    before=("${(@Q)words[2,CURRENT-1]}")
    (( CURRENT > 2 )) || before=()
    text="$(_CONVCALC_COMPLETE=zsh "${(Q)words[1]}" "${before[@]}" "${(Q)PREFIX}" 2>/dev/null)"
    if (( $? == 3 )); then
        _files
        return
    fi
    lines=("${(@f)text}")
    local value about shown
    for line in "${lines[@]}"; do
        [[ -n $line ]] || continue
        value="${line%%$'\t'*}"
        about="${line#*$'\t'}"
        shown="$value"
        [[ $about != "$line" ]] && shown="$value  -- $about"
        if [[ $value == *[=/:,.] ]]; then
            open+=("$value")
            open_shown+=("$shown")
        else
            closed+=("$value")
            closed_shown+=("$shown")
        fi
    done
    local found=1
    (( ${#closed} )) && compadd -l -d closed_shown -a closed && found=0
    (( ${#open} )) && compadd -l -S '' -d open_shown -a open && found=0
    return found
}
if [[ $funcstack[1] == _convcalc ]]; then
    _convcalc "$@"
else
    compdef _convcalc convcalc
fi
"""

FISH = r"""# Completion of convcalc in fish.
function __convcalc_complete
    set -l before (commandline -opc)
    set -l word (commandline -ct)
    set -l unescaped (string unescape -- $word)
    and set word $unescaped
    set -l found (env _CONVCALC_COMPLETE=fish $before[1] $before[2..-1] "$word" 2>/dev/null)
    if test $status -eq 3
        __fish_complete_path $word
    else
        printf '%s\n' $found
    end
end
complete -c convcalc -e
complete -c convcalc -f -a '(__convcalc_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def shell_of_user() -> str:
    """The name of the shell that runs the program, or else of the user's shell."""
    pid = os.getppid()
    for _ in range(6):
        with suppress(OSError, ValueError, IndexError):
            name = Path(f"/proc/{pid}/comm").read_text("utf-8").strip().lstrip("-")
            if name in (*SHELLS, *_BY_TYPER):
                return name
            pid = int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
    return Path(os.environ.get("SHELL", "")).name


def script_of(shell: str) -> str:
    """The script of a shell; Failure if there is none."""
    if shell in SCRIPTS:
        return SCRIPTS[shell]
    if shell in _BY_TYPER:
        from typer import completion

        made: Any = completion
        names = {"prog_name": "convcalc", "complete_var": "_CONVCALC_COMPLETE"}
        return str(made.get_completion_script(**names, shell=shell))
    raise Failure(f"there is no completion for the shell '{shell}'", "run it in bash, zsh or fish")


def install(shell: str) -> str:
    """Installs the script of a shell for the user; returns the path of its file.

    What the shell reads at its start is added to once.
    """
    if shell in _BY_TYPER:
        from typer import completion

        made: Any = completion
        return str(made.install(shell, "convcalc", "_CONVCALC_COMPLETE")[1])
    script, home = script_of(shell), Path.home()
    if shell == "bash":
        path = home / ".bash_completions" / "convcalc.sh"
        _add_once(home / ".bashrc", f"source '{path}'")
    elif shell == "zsh":
        folder = Path(os.environ.get("ZDOTDIR") or home)
        path = home / ".zfunc" / "_convcalc"
        _add_once(folder / ".zshrc", "fpath+=~/.zfunc; autoload -Uz compinit; compinit")
    else:
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        path = config / "fish" / "completions" / "convcalc.fish"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"cannot make the folder {path.parent}: {error.strerror}") from None
    write_file(str(path), script)
    return str(path)


def _add_once(path: Path, line: str) -> None:
    """Adds a line to a file that a shell reads at its start, if it is not there yet."""
    try:
        text = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}") from None
    if line not in text:
        append_file(str(path), ("" if text.endswith("\n") or not text else "\n") + line + "\n")
