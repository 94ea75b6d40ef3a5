using System.Text.Json;

namespace MLflow;

/// <summary>Reads a JSON response body: output, model, usage, id, error.</summary>
internal static class ResponseReader
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
                ReadFields(ref reader, fields);
            }

            while (reader.Read())
            {
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            isJson = false;
        }

        fields.Outputs = JsonText.Body(body, isJson);
    }

    private static void ReadFields(ref Utf8JsonReader reader, RecordedFields fields)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("usage"u8))
            {
                reader.Read();
                fields.Usage = ChatUsage.Read(ref reader) ?? fields.Usage;
            }
            else if (reader.ValueTextEquals("model"u8))
            {
                reader.Read();
                fields.ResponseModel = JsonText.ReadStringOrNull(ref reader);
                reader.Skip();
            }
            else if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                fields.ResponseId = JsonText.ReadStringOrNull(ref reader);
                reader.Skip();
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
    }
}
