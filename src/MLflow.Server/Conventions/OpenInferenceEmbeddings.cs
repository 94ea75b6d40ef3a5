namespace MLflow.Server.Conventions;

/// <summary>Texts and vectors of OpenInference: <c>embedding.embeddings.0.embedding.text</c>.</summary>
internal static class OpenInferenceEmbeddings
{
    public static string? Texts(SpanSource source, string prefix) => List(source, prefix, "embedding.text");

    public static string? Vectors(SpanSource source, string prefix) => List(source, prefix, "embedding.vector");

    /// <summary>Documents of a retriever: <c>retrieval.documents.0.document.content</c>, in MLflow's form.</summary>
    public static string? Documents(SpanSource source, string prefix)
    {
        var groups = NumberedKeys.Groups(source, prefix);
        return groups.Count == 0 ? null : ChatJson.WriteArray(writer =>
        {
            foreach (var (_, at) in groups)
            {
                writer.WriteStartObject();
                writer.WriteString("page_content", source.Text(at + "document.content"));
                writer.WriteStartObject("metadata");
                foreach (var member in source.Value(at + "document.metadata") is { ValueKind: System.Text.Json.JsonValueKind.Object } metadata ? metadata.EnumerateObject() : default)
                {
                    member.WriteTo(writer);
                }

                if (source.Value(at + "document.score") is { ValueKind: System.Text.Json.JsonValueKind.Number } score)
                {
                    writer.WritePropertyName("relevance_score");
                    score.WriteTo(writer);
                }

                writer.WriteEndObject();
                if (source.Text(at + "document.id") is { } id)
                {
                    writer.WriteString("id", id);
                }

                writer.WriteEndObject();
            }
        });
    }

    private static string? List(SpanSource source, string prefix, string part)
    {
        var values = NumberedKeys.Groups(source, prefix).Select(group => source.Value(group.Prefix + part)).Where(value => value.IsPresent()).ToList();
        return values.Count == 0 ? null : ChatJson.WriteArray(writer => values.ForEach(value => value.WriteTo(writer)));
    }
}
