#!/bin/sh
# Makes the voices of the practice exchange anew, beside this script: 8 kHz, mono, A-law, about -20 dBFS.
# Needs Debian's festival, festvox-ru and sox. The visitor speaks lower and the manager higher than the service does,
# so that a recording tells them apart.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# say NAME PITCH_IN_CENTS TEXT
say() {
    printf '%s\n' "$3" >"$work/in.txt"
    text2wave -eval "(voice_msu_ru_nsh_clunits)" "$work/in.txt" -o "$work/said.wav"
    sox "$work/said.wav" -r 8000 -c 1 -b 16 "$work/band.wav" pitch "$2" highpass 150 rate -h 8000 \
        silence 1 0.02 0.5% reverse silence 1 0.02 0.5% reverse
    level "$work/band.wav" "$work/$1.wav"
    sox -D "$work/$1.wav" -e a-law "$1.wav" pad 0.1 0.1
}

# level IN OUT: brings the RMS of what is not silence to -20 dBFS.
level() {
    now=$(sox "$1" -n stats 2>&1 | awk '/^RMS lev dB/ {print $4}')
    sox -D "$1" -b 16 "$2" gain -l "$(awk "BEGIN {print -20 - ($now)}")"
}

say visitor-hello -250 "Алло! Здравствуйте. Да, это я просил перезвонить."
say visitor-question -250 "Подскажите, пожалуйста, вы работаете в субботу?"
say visitor-thanks -250 "Понятно. Большое спасибо!"
say manager-hello 380 "Здравствуйте! Отдел продаж, слушаю вас."
say manager-answer 380 "Да, в субботу мы работаем с десяти до шести."
say manager-more 380 "Приходите, будем рады. Что ещё вам подсказать?"
say attendant 150 "Здравствуйте! Вы позвонили в нашу компанию. Наберите добавочный номер сотрудника."
say voicemail-words 380 "Здравствуйте! Сейчас я не могу подойти к телефону. Оставьте сообщение после сигнала."
sox -n -r 8000 -c 1 -b 16 "$work/beep.wav" synth 0.6 sine 1000 gain -14 pad 0.3 0.4
sox -D voicemail-words.wav "$work/beep.wav" -e a-law voicemail.wav
rm voicemail-words.wav
