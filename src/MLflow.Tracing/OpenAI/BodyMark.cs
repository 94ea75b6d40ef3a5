namespace MLflow;

/// <summary>When a part of a body came.</summary>
/// <param name="Offset">Offset of its first byte.</param>
/// <param name="Time">Timestamp of the tracer's clock while capturing; nanoseconds since the Unix epoch for recorders.</param>
internal readonly record struct BodyMark(int Offset, long Time);
