from scripts.fal_models.published import inputs, outputs


def test_documented_values_replace_those_of_the_package():
    schemas = inputs()
    fields = schemas["fal-ai/ltx-2/text-to-video"]["properties"]
    assert fields["duration"] == {"enum": [6, 8, 10], "default": 6}
    assert schemas["fal-ai/veo3.1/fast"]["properties"]["resolution"]["enum"][-1] == "4k"


def test_endpoints_without_types_are_documented():
    assert "minimax/h3/text-to-video" in inputs()
    assert "minimax/h3/text-to-video" not in outputs()
