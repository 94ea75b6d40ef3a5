namespace MLflow;

/// <summary>A place at which only the beginning of an image, an audio, a file or a vector is kept.</summary>
/// <param name="Path">Where, for example <c>outputs.data[0].b64_json</c>.</param>
/// <param name="ContentType">What it is, where that is known.</param>
/// <param name="SizeBytes">Its whole size; null when not all of it was seen, or it was too large to be hashed.</param>
/// <param name="Sha256">Hash of the whole, in hexadecimal; null when not all of it was seen, or it was too large to be hashed.</param>
/// <param name="Dimensions">Of a vector: how many numbers it has.</param>
internal sealed record TrimmedMedia(string Path, string? ContentType, long? SizeBytes, string? Sha256, int? Dimensions = null);
