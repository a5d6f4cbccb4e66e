#!/bin/sh
# Makes the built-in prompts and the music anew, beside this script.
# Needs Debian's festival, festvox-ru, festvox-us-slt-hts, sox and python3.
# What is made: 8 kHz, mono, 16 bit, about -20 dBFS, 0.3 s of silence before the first word.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# say LANGUAGE NAME TEXT
say() {
    case $1 in
    ru) voice="(voice_msu_ru_nsh_clunits)" ;;
    en) voice="(voice_cmu_us_slt_arctic_hts)" ;;
    esac
    mkdir -p "prompts/$1"
    printf '%s\n' "$3" >"$work/in.txt"
    text2wave -eval "$voice" "$work/in.txt" -o "$work/said.wav"
    # The band of a telephone, then the silence at both ends off.
    sox "$work/said.wav" -r 8000 -c 1 -b 16 "$work/band.wav" highpass 150 rate -h 8000 \
        silence 1 0.02 0.5% reverse silence 1 0.02 0.5% reverse
    level "$work/band.wav" "prompts/$1/$2.wav" -20 pad 0.3 0.15
}

# level IN OUT DBFS [EFFECT...]: brings the RMS of what is not silence to DBFS; peaks above -1 dBFS are rounded off.
level() {
    in=$1 out=$2 to=$3
    shift 3
    now=$(sox "$in" -n stats 2>&1 | awk '/^RMS lev dB/ {print $4}')
    sox -D "$in" -b 16 "$out" gain -l "$(awk "BEGIN {print $to - ($now)}")" "$@"
}

say ru waiting "Здравствуйте! Вы просили перезвонить. Соединяем с менеджером. Чтобы мы больше не звонили на этот номер, нажмите девять."
say ru apology "Извините, все менеджеры сейчас заняты. Они увидят вашу заявку и перезвонят. До свидания."
say ru connecting "Набираем посетителя."
say ru visitor_no_answer "Посетитель не взял трубку. Мы попробуем ещё раз."
say ru talk_ends "До конца разговора осталась одна минута."
say ru key "Звонок с сайта. Нажмите один, чтобы соединить."

say en waiting "Hello! You asked us to call. Connecting you to a manager. To stop calls to this number, press nine."
say en apology "Sorry, everyone is busy. They'll see your request and call you. Goodbye."
say en connecting "Calling the visitor."
say en visitor_no_answer "The visitor didn't pick up. We'll try again."
say en talk_ends "One minute is left."
say en key "Call from your site. Press one to connect."

python3 music.py "$work/music.wav"
level "$work/music.wav" prompts/music.wav -24
