namespace MLflow;

/// <summary>Records an operation of which only the form is known: a JSON request, and an answer in JSON, in text, or as a stream of events.</summary>
internal sealed class JsonRecorder : IRecorder
{
    public static readonly JsonRecorder Instance = new();

    public void RecordRequest(in RecordedBody body, RecordedFields fields) => RequestReader.Read(body, fields);

    public void RecordResponse(in RecordedBody body, RecordedFields fields) => ResponseReader.Read(body, fields);

    public void RecordStream(in RecordedBody body, ReadOnlySpan<BodyMark> marks, RecordedFields fields) =>
        StreamReading.Read(body, marks, new ListMerge(), fields);
}
