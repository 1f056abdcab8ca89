# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# bash completion of zonecfg, zoneadm, svcs, svcadm, svccfg and zlogin. Nothing about them is
# written down here: options, subcommands and columns are what `PROGRAM -h` prints,
# zonecfg's language is completed by `zonecfg --complete`, zones and instances are asked for.
#
# _kzones() takes the line apart into these, which the functions below read:
#   program, cur     what is completed, its last word
#   usage, help      the usage text of the program, of its subcommand
#   root, zone       options for other programs: -R DIR, -z ZONE
#   operand, rest    the first word that is no option, and all words from there on

# The options of a usage text, or with an option what it takes ("" when nothing).
_kzones_options()
{
	awk -F '\t' -v want="$2" '/^\t-/ {
		split(substr($2, 1, 18), w, " ")
		if (want == "") print w[1]
		else if (w[1] == want) print w[2]
	}' <<<"$1"
}

# First words of the lines below a heading of the program's usage text.
_kzones_section()
{
	awk -v head="$1" '/^[^\t]/ { on = $0 == head } on && /^\t[^-]/ { print $1 }' <<<"$usage"
}

_kzones_zones()
{
	zoneadm "${root[@]}" list -cn 2>/dev/null
}

_kzones_instances()
{
	svcs "${root[@]}" -aH -o FMRI 2>/dev/null | sed 's/ *$//'
}

# What an option takes, by the name that the usage text gives it.
_kzones_value()
{
	case $1 in
	zonename) _kzones_zones ;;
	uuid) zoneadm "${root[@]}" list -cp 2>/dev/null | cut -d : -f 5 ;;
	root | fmri\|root) compgen -d -- "$cur" ;;
	file) compgen -f -- "$cur" ;;
	user) compgen -u -- "$cur" ;;
	column) _kzones_section columns: ;;
	fmri) echo svc:/system/zones:default ;;
	column,...)
		local before=
		[[ $cur == *,* ]] && before=${cur%,*},
		_kzones_section columns: | sed "s/^/$before/"
		;;
	esac
}

# zonecfg's language, perhaps in quotes. It gives whole lines.
_kzones_zonecfg()
{
	local line head
	if [[ ${#zone[@]} -eq 0 && $rest != help\ * ]]; then
		echo "help "
		return
	fi
	head=${rest%"$cur"}
	[[ $quoted ]] && head=
	while IFS= read -r line; do
		printf '%s\n' "${line#"$head"}"
	done < <(zonecfg "${root[@]}" "${zone[@]}" --complete "$rest" 2>/dev/null)
}

_kzones_operands()
{
	case $program:$operand in
	zonecfg:*) _kzones_zonecfg ;;
	zlogin:) _kzones_zones ;;
	svcadm:mark) # first a choice in the usage line: "... mark [-It] this|that fmri ..."
		local states
		states=$(awk '/ mark / && /\|/ { sub(/.* mark (\[[^]]*\] )?/, ""); print $1 }' \
			<<<"$usage" | tr '|' '\n')
		if [[ " ${rest% *} " =~ " "(${states//$'\n'/|})" " ]]; then
			_kzones_instances
		else
			echo "$states"
		fi
		;;
	svcs:* | svcadm:?*) _kzones_instances ;;
	svccfg:?*)
		svccfg "${root[@]}" -s svc:/system/zones:default listprop 2>/dev/null |
			awk '/\// { print $1 }'
		;;
	zoneadm: | zoneadm:help | svcadm: | svccfg:) _kzones_section subcommands: ;;
	zoneadm:*) # a choice in the usage line: "usage: zoneadm ... mark this | that"
		awk -v verb="$operand" 'NR == 1 && / \| / {
			sub(".* " verb " ", "")
			gsub(/[^a-z]+/, "\n")
			print
		}' <<<"$help"
		;;
	esac
}

_kzones()
{
	local program=${1##*/} line=${COMP_LINE:0:COMP_POINT}
	local cur operand='' rest='' usage help takes='' quoted='' pieces='' i candidate
	local words root=() zone=() IFS=$' \t\n'

	read -ra words <<<"$line"
	[[ $line == *[[:blank:]] ]] && words+=('')
	cur=${words[-1]}
	usage=$("$program" -h 2>/dev/null)
	help=$usage
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		takes=
		if [[ ${words[i]} == -* && ($program != zonecfg || -z $operand) ]]; then
			takes=$(_kzones_options "$help" "${words[i]}")
			[[ $takes ]] || continue
			[[ ${words[i]} == -z ]] && zone=(-z "${words[i + 1]}")
			[[ ${words[i]} == -R && ${words[i + 1]} == /* ]] &&
				root=(-R "${words[i + 1]}")
			((i++))
		elif [[ -z $operand ]]; then
			operand=${words[i]}
			rest="${words[*]:i}"
			[[ $program == zoneadm ]] && help=$(zoneadm help "$operand" 2>/dev/null)
		fi
	done
	((i < ${#words[@]})) && takes= # the last word is not what an option takes
	[[ $rest ]] || rest=$cur
	if [[ $program == zonecfg && $rest == [\"\']* ]]; then
		quoted=yes
		rest=${rest:1}
		cur=$rest
	elif [[ $cur == *[:=]* ]]; then
		pieces=${cur%"${cur##*[:=]}"} # the shell replaces only what follows
	fi
	[[ $program == zonecfg && -z $takes ]] && compopt -o nospace 2>/dev/null
	COMPREPLY=()
	while IFS= read -r candidate; do
		[[ $candidate && $candidate == "$cur"* ]] &&
			COMPREPLY+=("${candidate#"$pieces"}")
	done < <(
		if [[ $takes ]]; then
			_kzones_value "$takes"
		elif [[ $cur == -* && ($program != zonecfg || -z $operand) ]]; then
			_kzones_options "$help"
		else
			_kzones_operands
		fi
	)
}

complete -F _kzones zonecfg zoneadm svcs svcadm svccfg zlogin
