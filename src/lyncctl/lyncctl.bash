# Completion of lyncctl for bash. Everything is asked of lyncctl's own help, so nothing here has to
# be changed when a command or an option comes.

_lyncctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word help
    local -a command=()

    # The command so far: at most a group and a name.
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ $word == -* || ${#command[@]} -ge 2 ]] && break
        command+=("$word")
        [[ $word == show || $word == import || $word == lockout ]] || break
    done
    help=$("${COMP_WORDS[0]}" "${command[@]}" --help 2>/dev/null) || return

    # The values of an option stand in its help: "How it is printed: table, csv".
    case $prev in
        --format | --color | --colour | --key-type | --from)
            local values
            values=$(sed -n "/^  [^ ]*$prev[ ,]/,/^  --/p" <<<"$help" |
                sed -n -E '1,2s/^.*(:  *|  )(([a-z0-9_:]+, )+[a-z0-9_:]+)$/\2/p' | head -n 1)
            [[ $prev != --from ]] || values='outside, proxy'
            mapfile -t COMPREPLY < <(compgen -W "${values//,/}" -- "$cur")
            # A colon parts words for bash, and "rsa:2048" is one.
            [[ $values != *:* ]] || __ltrim_colon_completions "$cur" 2>/dev/null
            return
            ;;
    esac

    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(grep -oE -- '--?[a-z][a-z-]*' \
            <<<"$(sed -n -E 's/^  (-[^ ]*( |$)).*/\1/p' <<<"$help")")" -- "$cur")
        return
    fi

    # compgen expands its words as the shell does: nothing but names and addresses may be in them.
    if [[ ${command[0]} == drain || ${command[0]} == undrain ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" servers --format json 2>/dev/null |
            sed -n 's/^    "server": "\([][A-Za-z0-9.:_-]*\)",$/\1/p')" -- "$cur")
        return
    fi

    local commands
    commands=$(sed -n '/^Subcommands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p' <<<"$help")
    if [[ $commands ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}

complete -F _lyncctl lyncctl
