from rushes.jobs.request import StoredFile
from rushes.providers.json_files import as_json_file


def test_as_json_file_inlines_small_files_and_links_large_ones():
    small = StoredFile(key="x", content_type="image/png", size=4 * 1024 * 1024)
    large = StoredFile(key="x", content_type="image/png", size=4 * 1024 * 1024 + 1)
    assert (as_json_file(small).form, as_json_file(large).form) == ("data_url", "link")
