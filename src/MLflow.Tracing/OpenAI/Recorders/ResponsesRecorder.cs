namespace MLflow;

/// <summary>Records <c>POST …/responses</c>.</summary>
internal sealed class ResponsesRecorder : IRecorder
{
    public void RecordRequest(in RecordedBody body, RecordedFields fields)
    {
        RequestReader.Read(body, fields);
        fields.Attributes.Add(new(AttributeNames.MessageFormat, AttributeValue.FromString("openai")));
    }

    public void RecordResponse(in RecordedBody body, RecordedFields fields) => ResponseReader.Read(body, fields, readsError: true);

    public void RecordStream(in RecordedBody body, ReadOnlySpan<BodyMark> marks, RecordedFields fields) =>
        StreamReading.Read(body, marks, new ResponsesStreamMerge(), fields);
}
