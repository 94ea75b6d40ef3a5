using System.Text.Json;

namespace MLflow;

/// <summary>
/// Records looks at an answer that an earlier call made (<c>GET …/responses/{id}</c>, <c>GET …/chat/completions/{id}</c>). That the earlier call failed is
/// no failure of this one, and its tokens were counted there; but those of a response that was made in the background are told here first.
/// </summary>
internal sealed class StoredAnswerRecorder : IRecorder
{
    public void RecordRequest(in RecordedBody body, RecordedFields fields) => RequestReader.Read(body, fields);

    public void RecordResponse(in RecordedBody body, RecordedFields fields)
    {
        ResponseReader.Read(body, fields);
        KeepUsageOfBackgroundOnly(fields);
    }

    public void RecordStream(in RecordedBody body, ReadOnlySpan<BodyMark> marks, RecordedFields fields)
    {
        StreamReading.Read(body, marks, new ResponsesStreamMerge(), fields);
        KeepUsageOfBackgroundOnly(fields);
    }

    private static void KeepUsageOfBackgroundOnly(RecordedFields fields)
    {
        if (fields.Usage is not null && !IsBackground(fields.Outputs))
        {
            fields.Usage = null;
            fields.UsageBuckets = null;
        }
    }

    private static bool IsBackground(AttributeValue output)
    {
        try
        {
            return output.Kind == AttributeValueKind.Json && ResponseEvent.Field(output.Json, "background"u8).SequenceEqual("true"u8);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
