using System.Text.Json;

namespace MLflow;

/// <summary>Reads a JSON request body: inputs, model, tools, and a parameter for every field but the messages.</summary>
internal static class RequestReader
{
    public static void Read(in RecordedBody recorded, RecordedFields fields)
    {
        var body = JsonText.ValidUtf8(recorded.Bytes);
        var isJson = true;
        try
        {
            var reader = new Utf8JsonReader(body, JsonText.ReaderOptions);
            if (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            {
                ReadParameters(ref reader, body, fields);
            }

            while (reader.Read())
            {
            }
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            isJson = false;
            fields.Attributes.Clear();
            fields.RequestModel = null;
            fields.Session = null;
            fields.User = null;
        }

        fields.Inputs = JsonText.Body(body, isJson);
    }

    private static void ReadParameters(ref Utf8JsonReader reader, ReadOnlySpan<byte> body, RecordedFields fields)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = JsonText.ReadString(ref reader);
            reader.Read();
            switch (name)
            {
                case "messages" or "input":
                    reader.Skip();
                    continue;
                case "model":
                    fields.RequestModel = JsonText.ReadStringOrNull(ref reader);
                    break;
                case "tools" or "functions" when reader.TokenType == JsonTokenType.StartArray:
                    var tools = RequestTools.Write(reader, body, isLegacy: name == "functions");
                    if (tools is not null)
                    {
                        fields.Attributes.Add(new(AttributeNames.ChatTools, AttributeValue.FromJson(tools)));
                    }

                    break;
                case "conversation":
                    fields.Session = ResponseReader.ReadTextOrId(reader);
                    break;
                case "user":
                    fields.User = ResponseReader.ReadTextOrId(reader) ?? fields.User;
                    break;
                case "safety_identifier":
                    fields.User ??= ResponseReader.ReadTextOrId(reader);
                    break;
                case var _ when name.StartsWith("mlflow.", StringComparison.Ordinal):
                    // A parameter of that name would replace what we record.
                    reader.Skip();
                    continue;
            }

            fields.Attributes.Add(new(name, JsonText.ReadValue(ref reader, body)));
        }
    }
}
