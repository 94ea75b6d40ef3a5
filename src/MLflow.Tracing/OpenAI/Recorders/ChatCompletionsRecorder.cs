namespace MLflow;

/// <summary>Records <c>POST …/chat/completions</c> and the older <c>POST …/completions</c>, which answers with texts instead of messages.</summary>
internal sealed class ChatCompletionsRecorder : IRecorder
{
    private readonly bool _isLegacy;

    public ChatCompletionsRecorder(bool isLegacy = false) => _isLegacy = isLegacy;

    public void RecordRequest(in RecordedBody body, RecordedFields fields)
    {
        RequestReader.Read(body, fields);
        fields.Attributes.Add(new(AttributeNames.MessageFormat, AttributeValue.FromString("openai")));
    }

    public void RecordResponse(in RecordedBody body, RecordedFields fields) => ResponseReader.Read(body, fields, readsError: true);

    public void RecordStream(in RecordedBody body, ReadOnlySpan<BodyMark> marks, RecordedFields fields) =>
        StreamReading.Read(body, marks, new ChatStreamMerge(_isLegacy), fields);
}
