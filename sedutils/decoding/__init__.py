"""What turns scores into decisions, and every choice that validation data make for it.

`smoothing` filters scores and decisions; `thresholds` decides and searches thresholds, `tag_thresholds` those of tags;
`confidence` gathers votes from boundaries, `dynamic` takes one event a clip, `class_wise` chooses context, median and
threshold of each class.
"""
