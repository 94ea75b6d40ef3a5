using System.Text.Json;

namespace MLflow;

/// <summary>
/// Records calls whose path does not tell what they ask for (Databricks' <c>/serving-endpoints/{name}/invocations</c>, paths that the program added): the
/// request's own fields do.
/// </summary>
internal sealed class ShapeRecorder : IRecorder
{
    public void RecordRequest(in RecordedBody body, RecordedFields fields)
    {
        fields.Operation = OperationOf(body.Bytes);
        Recorder(fields).RecordRequest(body, fields);
    }

    public void RecordResponse(in RecordedBody body, RecordedFields fields) => Recorder(fields).RecordResponse(body, fields);

    public void RecordStream(in RecordedBody body, ReadOnlySpan<BodyMark> marks, RecordedFields fields) =>
        Recorder(fields).RecordStream(body, marks, fields);

    private static IRecorder Recorder(RecordedFields fields) => fields.Operation?.Recorder ?? BodyFormRecorder.Instance;

    private static ApiOperation? OperationOf(ReadOnlySpan<byte> body)
    {
        var hasInput = false;
        var isResponses = false;
        try
        {
            var reader = new Utf8JsonReader(body, JsonText.ReaderOptions);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return null;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.TextEquals("messages"u8))
                {
                    return ApiCatalog.ChatCompletions;
                }

                if (reader.TextEquals("prompt"u8))
                {
                    return ApiCatalog.Completions;
                }

                var isInput = reader.TextEquals("input"u8);
                hasInput |= isInput;
                isResponses |= reader.TextEquals("instructions"u8) || reader.TextEquals("max_output_tokens"u8)
                    || reader.TextEquals("tools"u8) || reader.TextEquals("stream"u8);
                reader.Read();

                // A list of messages, not of texts.
                var items = reader;
                isResponses |= isInput && items.TokenType == JsonTokenType.StartArray && items.Read() && items.TokenType == JsonTokenType.StartObject;
                reader.Skip();
            }
        }
        catch (JsonException)
        {
            return null;
        }

        return !hasInput ? null : isResponses ? ApiCatalog.Responses : ApiCatalog.Embeddings;
    }
}
