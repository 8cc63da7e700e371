#!/usr/bin/env bash
# What each module is worth: trains the head without it, from MobileSAM's weights, as long as the whole head, and evaluates all of them.
# At half the usual input, so that two cores take half an hour. From the top of the checkout: training/ablations.sh [FOLDER]
set -euo pipefail
out=${1:-out/ablations}
python=${PYTHON:-$HOME/.cache/aims-web/train/bin/python}
encoder=$HOME/.cache/aims-web/mobile-sam-f32.safetensors
aims=${AIMS:-cargo run --release --quiet --}

variant() { # name, further arguments of train.py
    local folder=$out/$1
    mkdir -p "$folder"
    OMP_WAIT_POLICY=PASSIVE "$python" -W ignore training/train.py --encoder "$encoder" --out "$folder" --size 256 --batch 4 --processes 2 \
        --workers 0 --views 600 --rate 4e-4 --steps 150 --decay 75 --validate-every 100000 --validation-images 16 "${@:2}" > "$folder/train.txt"
    $aims convert "$HOME/.cache/aims-web/mobile_sam.pt" --bits 32 --trained "$folder/best.safetensors" \
        --out "$folder/model.safetensors"
    $aims eval --model "$folder/model.safetensors" --device cpu --input-size 256 --sets coco,ccp,carparts,faces \
        --limit 8 --prompted --out "$folder" | tee "$folder/eval.txt"
}

variant whole --cache "$out/features"
variant mask_prompts --cache "$out/features" --without mask_prompts
variant complementarity --cache "$out/features" --without complementarity
variant association --cache "$out/features" --without association
# Only sets whose terms allow general use; other views.
variant clean --cache "$out/clean-features" --config training/configs/clean.json
