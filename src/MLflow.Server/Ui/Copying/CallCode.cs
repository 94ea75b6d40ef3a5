using System.Globalization;
using System.Text;
using System.Text.Json;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Copying;

/// <summary>A recorded call as a program that makes it again: with its messages, tools, schema and pictures. The key comes from the environment.</summary>
public sealed class CallCode
{
    private const string KeyVariable = "OPENAI_API_KEY";
    private readonly JsonElement _body;
    private readonly string _url;
    private readonly string _model;

    private CallCode(JsonElement body, string url)
    {
        _body = body;
        _url = url;
        _model = body.Text("model") ?? "gpt-4o-mini";
    }

    /// <summary>Reads the request of a call; null where none was recorded.</summary>
    public static CallCode? Of(SpanView span)
    {
        if (span.Inputs.ValueKind != JsonValueKind.Object || span.Kind is not (SpanKind.Model or SpanKind.Embedding))
        {
            return null;
        }

        // What a client of another kind recorded as inputs may be no request of this API.
        var path = span.Inputs.Member("messages").ValueKind == JsonValueKind.Array ? "chat/completions"
            : span.Kind == SpanKind.Embedding ? "embeddings"
            : span.Inputs.Member("input").IsPresent() ? "responses"
            : span.Inputs.Member("prompt").IsPresent() ? "completions" : null;
        var told = TolerantJson.Unquote(span.Record[AttributeNames.HttpUrl]);
        var url = Uri.TryCreate(told, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? address.GetLeftPart(UriPartial.Query) : path is null ? null : "https://api.openai.com/v1/" + path;
        return url is null ? null : new CallCode(span.Inputs, url);
    }

    private bool IsChat => _body.Member("messages").ValueKind == JsonValueKind.Array;

    private bool IsStreamed => _body.Member("stream").ValueKind == JsonValueKind.True;

    /// <summary>A command line for a POSIX shell.</summary>
    public string Curl() =>
        $"curl {Quote(_url)} \\\n  -H \"Authorization: Bearer ${KeyVariable}\" \\\n  -H 'Content-Type: application/json' \\\n{(IsStreamed ? "  --no-buffer \\\n" : "")}  --data-binary @- <<'JSON'\n{CodeText.Indented(_body)}\nJSON";

    /// <summary>A request of a <c>.http</c> file.</summary>
    public string Http() =>
        $"POST {_url}\nAuthorization: Bearer {{{{$processEnv {KeyVariable}}}}}\nContent-Type: application/json\n\n{CodeText.Indented(_body)}";

    /// <summary>C# with the <c>OpenAI</c> package: typed where every part of the request has a type, otherwise with the request as it was sent.</summary>
    public string OpenAI()
    {
        var code = new StringBuilder();
        if (IsChat && ChatCode.CanType(_body))
        {
            return ChatCode.OpenAI(_body, _model, Endpoint("chat/completions"), IsStreamed);
        }

        code.Append("using System.ClientModel;\n").Append("using System.ClientModel.Primitives;\n").Append("using OpenAI;\n\n");
        code.Append(CultureInfo.InvariantCulture, $"var client = new OpenAIClient(new ApiKeyCredential(Environment.GetEnvironmentVariable(\"{KeyVariable}\")!));\n");
        code.Append("using var message = client.Pipeline.CreateMessage();\nmessage.Request.Method = \"POST\";\n");
        code.Append(CultureInfo.InvariantCulture, $"message.Request.Uri = new Uri({CodeText.Literal(_url)});\nmessage.Request.Headers.Set(\"Content-Type\", \"application/json\");\n");
        code.Append(CultureInfo.InvariantCulture, $"message.Request.Content = BinaryContent.Create(BinaryData.FromString({CodeText.Json(_body)}));\n");
        return code.Append("await client.Pipeline.SendAsync(message);\nConsole.WriteLine(message.Response!.Content.ToString());").ToString();
    }

    /// <summary>C# with <c>Microsoft.Extensions.AI.OpenAI</c>; null where the request is no chat.</summary>
    public string? ExtensionsAI() => IsChat && ChatCode.CanType(_body) ? ChatCode.ExtensionsAI(_body, _model, Endpoint("chat/completions"), IsStreamed) : null;

    private string? Endpoint(string path)
    {
        var at = _url.IndexOf("/" + path, StringComparison.Ordinal);
        var endpoint = at < 0 ? null : _url[..at];
        return endpoint is null or "https://api.openai.com/v1" ? null : endpoint;
    }

    private static string Quote(string text) => "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
