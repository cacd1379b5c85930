"""Where each kind of bad input has its defined result and its tests; a test that is renamed is missed here."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

#: what is bad and what becomes of it: (file, test)
CASES: dict[str, tuple[tuple[str, str], ...]] = {
    "no proposals: refused; no detections: AP 0 and a latency": (
        ("test_run.py", "test_a_wrong_word_refuses_the_whole_command_at_once"),
        ("stages/test_evaluate.py", "test_a_trained_detector_without_a_detection_has_ap_0_and_a_latency"),
        ("metrics/test_accuracy.py", "test_no_detections_score_zero_everywhere"),
    ),
    "sizes, batches and shares out of range: refused with the accepted": (
        ("recipes/test_base.py", "test_a_wrong_value_is_named_with_what_is_accepted"),
        ("test_run.py", "test_a_wrong_word_refuses_the_whole_command_at_once"),
    ),
    "missing image files: all told before any work": (
        ("data/test_coco_faults.py", "test_each_fault_is_named_with_its_file"),
        ("data/test_coco_faults.py", "test_missing_files_and_folders_are_all_named"),
    ),
    "corrupt and truncated images: told with id and file": (
        ("data/test_coco_faults.py", "test_broken_images_of_both_splits_are_told_with_their_ids"),
        ("data/test_image_files.py", "test_a_file_without_its_end_is_found_by_the_header_check"),
        ("data/test_image_files.py", "test_a_damaged_image_is_read_or_refused_by_name"),
    ),
    "huge images: refused by their header": (
        ("data/test_image_files.py", "test_a_decompression_bomb_is_refused_by_its_header"),
    ),
    "grey, palette, CMYK, 16 bits, alpha: one conversion; turned by EXIF: as stored, or refused": (
        ("data/test_image_files.py", "test_every_mode_has_one_defined_conversion"),
        ("data/test_image_files.py", "test_the_conversions_are_those_that_they_were"),
        ("data/test_image_files.py", "test_pixels_are_as_stored_whatever_exif_notes"),
    ),
    "another size than the file: refused": (
        ("data/test_coco_faults.py", "test_each_fault_is_named_with_its_file"),
        ("data/test_coco.py", "test_an_image_of_another_size_than_stated_is_refused"),
    ),
    "boxes without area: counted and dropped in training, refused in validation": (
        ("data/test_coco.py", "test_training_boxes_are_clipped_and_those_without_area_dropped"),
        ("data/test_coco_faults.py", "test_a_box_without_height_is_let_through_in_training_alone"),
        (
            "data/test_command.py",
            "test_boxes_without_area_are_counted_and_a_fault_in_validation",
        ),
    ),
    "boxes beyond their image: counted and clipped in training; wholly outside: refused in validation": (
        ("data/test_coco.py", "test_training_boxes_are_clipped_and_those_without_area_dropped"),
        ("data/test_coco_faults.py", "test_a_box_outside_of_its_image_is_let_through_in_training_alone"),
        ("data/test_command.py", "test_what_is_odd_but_no_fault_is_counted"),
    ),
    "NaN and infinite boxes: reach neither a network nor an evaluator": (
        ("data/test_coco_faults.py", "test_each_fault_is_named_with_its_file"),
        ("data/test_coco_faults.py", "test_a_number_too_large_for_a_float_is_no_box"),
        ("metrics/test_boxes.py", "test_an_annotation_that_means_nothing_is_refused"),
        ("metrics/test_coco.py", "test_a_detection_that_means_nothing_is_refused"),
        ("stages/test_evaluate.py", "test_a_prediction_that_is_not_finite_fails_the_stage"),
    ),
    "labels out of range: refused; gaps in category ids: labels in their order": (
        ("data/test_coco.py", "test_labels_count_category_ids_with_gaps_in_their_order"),
        ("metrics/test_boxes.py", "test_a_label_that_the_data_set_does_not_have_is_refused"),
        ("data/test_formats.py", "test_each_fault_is_told_with_its_file_and_place"),
    ),
    "images without objects: scored and trained on": (
        ("data/test_coco.py", "test_validation_goes_by_image_id_and_keeps_boxes_as_annotated"),
        ("data/test_coco.py", "test_each_epoch_has_every_image_once_in_an_order_of_seed_and_epoch"),
        ("metrics/test_engines.py", "test_the_random_sets_are_as_hard_as_they_say"),
    ),
    "crowds: neither object nor background in training, ignored in scoring as by pycocotools": (
        ("detectors/test_ssd.py", "test_anchors_in_a_crowd_are_neither_object_nor_background"),
        ("detectors/test_rpn.py", "test_anchors_in_a_crowd_are_no_background_but_may_be_objects"),
        ("detectors/test_second_stage.py", "test_proposals_in_a_crowd_are_no_background"),
        ("metrics/test_engines.py", "test_every_number_of_hotcoco_is_that_of_pycocotools"),
    ),
    "annotation id 0: refused in a set, harmless in scoring": (
        ("data/test_coco_faults.py", "test_each_fault_is_named_with_its_file"),
        ("metrics/test_coco.py", "test_an_annotation_of_id_0_is_found_like_any_other"),
    ),
    "ids used twice: refused": (
        ("data/test_coco_faults.py", "test_each_fault_is_named_with_its_file"),
        ("metrics/test_boxes.py", "test_an_image_or_a_category_that_is_listed_twice_is_refused"),
    ),
    "no area or iscrowd: that of the box, and none": (
        ("data/test_coco.py", "test_an_annotation_without_area_and_crowd_gets_those_of_its_box"),
        ("metrics/test_boxes.py", "test_a_missing_area_is_that_of_the_box_and_a_missing_iscrowd_is_none"),
    ),
    "detections of an unknown image or category: refused": (
        ("metrics/test_coco.py", "test_a_detection_that_means_nothing_is_refused"),
    ),
    "more detections than COCO counts: a hundred of an image and class, in both engines": (
        ("metrics/test_coco.py", "test_a_hundred_detections_of_an_image_and_class_count_however_many_there_are"),
    ),
    "equal scores: by image id, then as given": (
        ("metrics/test_engines.py", "test_of_equal_scores_the_lower_image_id_ranks_first_then_the_order_given"),
    ),
    "no images, no classes, no objects, crowds alone: refused in a set, empty figures in scoring": (
        ("data/test_coco_faults.py", "test_each_fault_is_named_with_its_file"),
        ("metrics/test_boxes.py", "test_without_images_or_categories_or_objects_nothing_is_told"),
        ("metrics/test_boxes.py", "test_objects_that_are_all_crowds_leave_every_figure_empty"),
    ),
    "file names that leave the root: refused in every format": (
        ("data/test_coco_faults.py", "test_each_fault_is_named_with_its_file"),
        ("data/test_formats.py", "test_each_fault_is_told_with_its_file_and_place"),
    ),
    "what says one thing twice: names, columns, keys: refused": (
        ("data/test_coco_faults.py", "test_each_fault_is_named_with_its_file"),
        ("data/test_find.py", "test_columns_of_one_meaning_are_refused"),
        ("data/test_find.py", "test_a_key_that_an_object_has_twice_is_told"),
        ("data/test_yolo.py", "test_a_key_that_is_there_twice_is_refused"),
    ),
    "class names of another shape than a list or a mapping that counts from 0: refused": (
        ("data/test_yolo.py", "test_names_that_are_no_list_and_count_no_classes_are_refused"),
    ),
    "labels whose image is gone: refused": (("data/test_yolo.py", "test_labels_whose_image_is_gone_are_told"),),
    "an area above that of its box: refused in validation": (
        ("data/test_coco_faults.py", "test_each_fault_is_named_with_its_file"),
        (
            "data/test_coco_faults.py",
            "test_an_area_above_that_of_the_box_is_let_through_in_training_and_by_rounded_sides",
        ),
    ),
    "images turned by EXIF: refused where boxes could be meant on the turned one, TIFFs always": (
        ("data/test_image_files.py", "test_pixels_are_as_stored_whatever_exif_notes"),
        ("data/test_image_files.py", "test_no_size_tells_how_a_square_is_meant"),
    ),
    "pipes, devices, links out of the image folder: told by name, and nothing waits": (
        ("data/test_odd_files.py", "test_a_pipe_is_told_and_not_waited_for"),
        ("data/test_odd_files.py", "test_a_device_is_not_read"),
        ("data/test_odd_files.py", "test_a_link_out_of_the_image_folder_is_told"),
        ("core/test_files.py", "test_what_is_no_regular_file_is_not_replaced"),
    ),
    "image formats that nobody needs, EPS among them: not opened": (
        ("data/test_image_files.py", "test_formats_that_nobody_needs_are_not_opened"),
    ),
    "anything else done to an annotation file: a valid set or one error": (
        ("data/test_damaged_files.py", "test_damaged_sets_are_refused_or_valid"),
        ("data/test_damaged_files.py", "test_ten_thousand_damaged_sets_are_refused_or_valid"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_case_has_its_tests(case: str) -> None:
    for file, name in CASES[case]:
        assert re.search(rf"^def {name}\(", (TESTS / file).read_text(), re.MULTILINE), f"{file}: {name}"
