"""The column registry: what a row can say, in which unit and which way is better. New columns are appended."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Column:
    """One column of a results table.

    name: as in the header. kind: str, int, float or bool. unit: of the numbers, empty where there is none.
    better: which way is better, None where neither is. doc: one line.
    """

    name: str
    kind: type[str] | type[int] | type[float] | type[bool]
    unit: str = ""
    better: Literal["lower", "higher"] | None = None
    doc: str = ""


COLUMNS: tuple[Column, ...] = (
    # what was asked for
    Column("run_id", str, doc="digest of the four stage keys"),
    Column("label", str, doc="what tables and plots print"),
    Column("status", str, doc="ok, failed or skipped"),
    Column("reason", str, doc="why it failed or was skipped"),
    Column("meta_arch", str, doc="how boxes are found, such as faster_rcnn"),
    Column("extractor", str, doc="network that makes the feature maps"),
    Column("size", int, "px", doc="two-stage: shorter side; SSD: both sides"),
    Column("stride", int, "px", doc="of the two-stage feature map"),
    Column("proposals", int, doc="regions that reach the second stage"),
    Column("data", str, doc="data set"),
    Column("train", str, doc="training recipe"),
    Column("seed", int, doc="initialisation and training stream"),
    Column("device", str, doc="cpu or cuda"),
    Column("precision", str, doc="arithmetic of inference"),
    Column("batch_size", int, "images", doc="images per call of inference"),
    Column("overrides", str, doc="options that differ from their recipe, separated by blanks"),
    Column("weights", str, doc="random, scratch, imagenet:NAME as timm has it, shapes, run:ID or file:SHA"),
    # accuracy
    Column("ap", float, "", "higher", "COCO AP, mean over IoU 0.50:0.95, 0..1"),
    Column("ap50", float, "", "higher", "AP at IoU 0.50"),
    Column("ap75", float, "", "higher", "AP at IoU 0.75"),
    Column("ap_small", float, "", "higher", "AP of objects below 32² px"),
    Column("ap_medium", float, "", "higher", "AP of objects of 32² to 96² px"),
    Column("ap_large", float, "", "higher", "AP of objects above 96² px"),
    Column("ar_1", float, "", "higher", "recall with 1 detection per image"),
    Column("ar_10", float, "", "higher", "recall with 10 detections per image"),
    Column("ar_100", float, "", "higher", "recall with 100 detections per image"),
    Column("ar_small", float, "", "higher", "recall of objects below 32² px"),
    Column("ar_medium", float, "", "higher", "recall of objects of 32² to 96² px"),
    Column("ar_large", float, "", "higher", "recall of objects above 96² px"),
    Column("eval_images", int, "images", doc="images that were scored"),
    # time
    Column("latency_ms_p50", float, "ms", "lower", "median of a call, decoded image to final boxes"),
    Column("latency_ms_p90", float, "ms", "lower", "what 90 % of calls take at most, with 99 % confidence"),
    Column("latency_ms_p95", float, "ms", "lower", "what 95 % of calls take at most, with 99 % confidence"),
    Column("latency_ms_p99", float, "ms", "lower", "what 99 % of calls take at most, with 99 % confidence"),
    Column("latency_ms_mean", float, "ms", "lower", "mean of a call"),
    Column("latency_n", int, "calls", doc="calls that were timed"),
    Column("preprocess_ms_p50", float, "ms", "lower", "median of resizing and padding the image"),
    Column("network_ms_p50", float, "ms", "lower", "median of the network: backbone, proposals, heads"),
    Column("postprocess_ms_p50", float, "ms", "lower", "median of decoding and suppression"),
    Column("gpu_ms_p50", float, "ms", "lower", "median between events on the GPU"),
    Column("images_per_s", float, "images/s", "higher", "batch size over the mean of a call; empty for bursts"),
    # other costs
    Column("gmacs", float, "GMACs", "lower", "multiply-adds of one image at size×size, all proposals"),
    Column("gflops", float, "GFLOPs", "lower", "twice gmacs"),
    Column("flops_partial", bool, doc="whether operators without a formula were left out of gmacs"),
    Column("params", int, "parameters", "lower", "parameters of the detector"),
    Column("weights_mb", float, "MB", "lower", "10^6 bytes of parameters and buffers"),
    Column("peak_memory_mb", float, "MB", "lower", "10^6 bytes of inference above what was taken before the model"),
    Column(
        "energy_j",
        float,
        "J",
        "lower",
        "of an image above rest, calls back to back; GPU alone, or the CPU's packages",
    ),
    # training
    Column("train_steps", int, "steps", doc="steps that were trained"),
    Column("train_images", int, "images", doc="images that training saw, repeats included"),
    Column("train_s", float, "s", "lower", "wall clock of training"),
    Column("train_images_per_s", float, "images/s", "higher", "speed of training"),
    Column(
        "train_peak_memory_mb", float, "MB", "lower", "10^6 bytes of training, without the processes that load images"
    ),
    Column("train_stopped_by", str, doc="what ended training: steps or minutes"),
    Column("final_loss", float, "", "lower", "loss at the end of training"),
    # trust
    Column("trusted", bool, doc="whether the row passed every rule of trust"),
    Column("reasons", str, doc="why it did not"),
    # where it comes from
    Column("device_name", str, doc="name of the CPU or GPU"),
    Column("torch_version", str),
    Column("torchvision_version", str),
    Column("driver_version", str),
    Column("code_version", str, doc="version of this package"),
    Column("created_utc", str, doc="when the row was written, ISO 8601"),
    Column("train_key", str, doc="key of the training in the cache"),
    Column("predict_key", str, doc="key of the predictions in the cache"),
    Column("evaluate_key", str, doc="key of the scores in the cache"),
    Column("measure_key", str, doc="key of the measurement in the cache"),
    Column("weights_taken", str, doc="what was taken of train.weights, what is new and what was left"),
    # more of accuracy
    Column("voc_ap50", float, "", "higher", "Pascal VOC 2010's AP: IoU 0.50, area under the curve"),
    Column("voc_ap50_11pt", float, "", "higher", "Pascal VOC 2007's AP: IoU 0.50, mean at 11 recalls"),
    Column("oi_ap50", float, "", "higher", "Open Images challenge's AP: IoU 0.50, crowds are groups, no hierarchy"),
    Column("precision_at_score", float, "", "higher", "right ones of the detections from metric.score_threshold on"),
    Column("recall_at_score", float, "", "higher", "objects that these detections find, at IoU 0.50"),
    Column("f1_at_score", float, "", "higher", "harmonic mean of the two"),
    # what errors cost, in AP at IoU 0.50; they do not add up
    Column("tide_cls", float, "", "lower", "AP that wrong classes cost, TIDE's definitions"),
    Column("tide_loc", float, "", "lower", "AP that wrong places cost: IoU 0.1 to 0.5 with an object of the class"),
    Column("tide_both", float, "", "lower", "AP that boxes of wrong class and place cost"),
    Column("tide_dupe", float, "", "lower", "AP that second boxes of one object cost"),
    Column("tide_bkg", float, "", "lower", "AP that boxes on no object cost"),
    Column("tide_miss", float, "", "lower", "AP that objects without any box cost"),
    Column("tide_fp", float, "", "lower", "AP that all wrong boxes cost together"),
    Column("tide_fn", float, "", "lower", "AP that all objects that are not found cost together"),
    # how sure they are
    Column("ap_low", float, doc="lower end of the 95 % interval of ap, over images of this kind"),
    Column("ap_high", float, doc="upper end"),
    Column("ap_small_low", float, doc="lower end of the 95 % interval of ap_small"),
    Column("ap_small_high", float, doc="upper end"),
    Column("ap_medium_low", float, doc="lower end of the 95 % interval of ap_medium"),
    Column("ap_medium_high", float, doc="upper end"),
    Column("ap_large_low", float, doc="lower end of the 95 % interval of ap_large"),
    Column("ap_large_high", float, doc="upper end"),
    # more of time
    Column("latency_ms_q1", float, "ms", "lower", "what a quarter of the calls stay below"),
    Column("latency_ms_q3", float, "ms", "lower", "what three quarters of the calls stay below"),
    Column(
        "latency_ms_low", float, "ms", "lower", "lower end of the median's 95 % interval, over calls of this process"
    ),
    Column("latency_ms_high", float, "ms", "lower", "upper end of that interval"),
    Column("latency_ms_min", float, "ms", "lower", "the fastest call"),
    Column("latency_mode", str, doc="sustained: back to back; burst: each call after a gap"),
    Column("copy_ms_p50", float, "ms", "lower", "median of copying to the device and scaling to 0..1 there"),
    Column("backbone_ms_p50", float, "ms", "lower", "median of making the feature maps"),
    Column("proposals_ms_p50", float, "ms", "lower", "median of the region proposal network; empty for one stage"),
    Column("heads_ms_p50", float, "ms", "lower", "median of what classifies and locates"),
    Column("timed_images", int, "images", doc="different images that were timed in turn"),
    Column("timed_images_sha256", str, doc="beginning of the SHA-256 of their ids and pixels, in their order"),
    Column("detections_mean", float, "boxes", doc="boxes of a timed image, mean of the sample that was compared"),
    Column("agreement_pct", float, "%", "higher", "of the timed run's boxes and the scored ones, what is the same"),
    # the state of the machine while timing
    Column("throttled", str, doc="whether the GPU's clocks were held down: yes, no or unknown"),
    Column("foreign_processes", int, doc="other processes that computed on the GPU"),
    Column("gpu_clock_mhz", float, "MHz", doc="clock of the multiprocessors, median while timing"),
    Column("gpu_temperature_c", float, "°C", doc="highest temperature of the GPU while timing"),
    Column("power_limit_w", float, "W", doc="enforced limit of the GPU"),
    Column("others_cpu_pct", float, "%", doc="CPU time that other programs took while timing, of all usable CPUs"),
    Column("steal_pct", float, "%", doc="CPU time that the hypervisor gave to others while timing"),
    Column("involuntary_switches", float, "1/s", doc="how often a thread was put off a CPU while timing"),
    Column("governor", str, doc="how the CPU's clocks are set"),
    Column("threads", int, doc="threads that torch computes with"),
    # more of arithmetic
    Column("gmacs_mean", float, "GMACs", "lower", "mean over the images that are timed, each alone"),
    Column("gmacs_min", float, "GMACs", "lower", "least of these images"),
    Column("gmacs_max", float, "GMACs", "lower", "most of these images"),
    Column("gmacs_backbone", float, "GMACs", "lower", "of gmacs, what makes the feature maps"),
    Column("gmacs_proposals", float, "GMACs", "lower", "of gmacs, the region proposal network; empty for one stage"),
    Column("gmacs_heads", float, "GMACs", "lower", "of gmacs, what classifies and locates"),
    Column("gmacs_base", float, "GMACs", "lower", "gmacs = gmacs_base + proposals * gmacs_per_proposal"),
    Column("gmacs_per_proposal", float, "GMACs", "lower", "of one proposal; empty for one stage"),
    Column("bound_ms", float, "ms", "lower", "least of the network, operator by operator, at the machine's peak"),
    Column("bound_pct", float, "%", "higher", "bound_ms as a part of network_ms_p50; fast convolutions may pass 100"),
    Column("peak_gflops_per_s", float, "GFLOP/s", doc="of large products; on a CPU one thread's, times the threads"),
    Column("peak_gb_per_s", float, "GB/s", doc="what the machine reached in a large copy, both ways"),
    # more of memory and energy
    Column("tensors_peak_mb", float, "MB", "lower", "10^6 bytes of weights and of a call's tensors at their peak"),
    Column("reserved_memory_mb", float, "MB", "lower", "most that PyTorch held of the GPU, its reserve included"),
    Column("process_memory_mb", float, "MB", "lower", "the process on the GPU as NVML sees it: the context as well"),
    Column("fit_mb", float, "MB", "lower", "smallest reserved_memory_mb with which a call still runs (measure.fit)"),
    Column("fit_batch", int, "images", "higher", "largest batch that runs in all of the GPU's memory (measure.fit)"),
    Column("idle_w", float, "W", doc="power of the device at rest, which energy_j leaves out"),
    Column("power_w", float, "W", "lower", "mean power of the device in calls back to back, rest included"),
    Column("energy_spread_pct", float, "%", "lower", "energy_j from the lowest to the highest trial, of the median"),
    Column("unmeasured", str, doc="columns that were asked for and could not be measured, and why"),
    # the machine around the measurement
    Column(
        "reference_ms",
        float,
        "ms",
        doc="time of a fixed piece of work around the timing of the cell: the mean of before and after",
    ),
    Column(
        "drift_pct",
        float,
        "%",
        doc="how far that is above the usual time of the work in this results folder, taken alike",
    ),
    # how timing ended
    Column(
        "latency_precision_pct",
        float,
        "%",
        "lower",
        "how far the median's 95 % interval reaches to its wider side, of the median",
    ),
    Column("unmet", str, doc="criteria of ending the timing that were not met, such as precision ±8.9 % > ±1 %"),
)

NAMES = tuple(column.name for column in COLUMNS)
BY_NAME = {column.name: column for column in COLUMNS}
