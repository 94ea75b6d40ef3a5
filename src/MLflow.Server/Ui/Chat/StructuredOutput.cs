using System.Text.Json;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Chat;

/// <summary>An answer that had to be JSON, held against the schema that the request gave.</summary>
/// <param name="Name">What the request calls the schema, or null.</param>
/// <param name="Problems">What does not fit; empty where all does.</param>
public sealed record StructuredOutput(string? Name, IReadOnlyList<ArgumentProblem> Problems)
{
    /// <summary>The first answer of a call; null where the request gave no schema, or no text was answered.</summary>
    public static StructuredOutput? Of(SpanView span)
    {
        if (!span.IsModelCall)
        {
            return null;
        }

        // Chat Completions: response_format.json_schema.schema; Responses: text.format.schema.
        var format = span.Inputs.Member("response_format").Member("json_schema") is { ValueKind: JsonValueKind.Object } chat ? chat : span.Inputs.Member("text").Member("format");
        var schema = format.Member("schema");
        if (schema.ValueKind != JsonValueKind.Object
            || MessageReader.Outputs(span.Outputs)?.FirstOrDefault(message => message.Calls.Count == 0 && message.Text.Length > 0) is not { } answer)
        {
            return null;
        }

        return new StructuredOutput(
            format.Text("name"),
            TolerantJson.TryParse(answer.Text, out var json) ? SchemaCheck.Problems(json, schema) : [new ArgumentProblem("", Words.T("the answer is not JSON"))]);
    }
}
