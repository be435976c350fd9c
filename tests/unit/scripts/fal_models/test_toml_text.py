import tomllib

from scripts.fal_models.toml_text import model_text

MODEL = {
    "id": "owner/app",
    "inputs": ["image"],
    "needs_prompt": True,
    "seconds": {"min": 4, "max": 8, "default": 5},
    "values": {"resolution": {"2160p": "4k"}},
    "arguments": {
        "prompt": "{prompt}",
        "image_size": {"width": "{width}", "height": "{height}"},
        "reference_image_urls": ["{image}", "{reference}"],
        'odd "name"': 0.5,
    },
    "options": {"a-b": {"type": "string", "values": ["x", "y"], "max": 1.5}},
    "rules": [{"when": {"resolution": ["1080p"]}, "allow": {"seconds": [5]}}],
    "prices": [{"when": {"generate_audio": [True]}, "per_second": 0.15}, {"per_second": 0.1}],
}


def test_model_is_written_as_toml():
    assert tomllib.loads(model_text(MODEL)) == {"models": [MODEL]}


def test_long_tables_have_a_line_per_member():
    lines = model_text(MODEL).splitlines()
    assert 'values = { resolution = { 2160p = "4k" } }' in lines
    assert 'arguments.prompt = "{prompt}"' in lines
