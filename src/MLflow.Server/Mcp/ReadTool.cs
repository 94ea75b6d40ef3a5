using System.Text.Json;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace MLflow.Server.Mcp;

/// <summary>A tool that reads. What a caller did wrong is an answer that says so, which a model can act on.</summary>
internal abstract class ReadTool : McpServerTool
{
    private const int MaxErrorBytes = 4096;

    private readonly IReadOnlyList<ToolParameter> _parameters;
    private readonly int _maxBytes;

    /// <param name="source">What is read.</param>
    /// <param name="maxBytes">Of an answer.</param>
    /// <param name="name">As MLflow's own MCP server names it, where it has it.</param>
    /// <param name="title">For people.</param>
    /// <param name="description">For models.</param>
    /// <param name="parameters">Its arguments.</param>
    protected ReadTool(IToolSource source, int maxBytes, string name, string title, string description, params ToolParameter[] parameters)
    {
        Source = source;
        _maxBytes = maxBytes;
        _parameters = parameters;
        ProtocolTool = new Tool
        {
            Name = name,
            Title = title,
            Description = description,
            InputSchema = Schema(parameters),
            Annotations = new ToolAnnotations { Title = title, ReadOnlyHint = true, DestructiveHint = false, IdempotentHint = true, OpenWorldHint = false },
        };
    }

    public override Tool ProtocolTool { get; }

    public override IReadOnlyList<object> Metadata => [];

    protected IToolSource Source { get; }

    public override async ValueTask<CallToolResult> InvokeAsync(RequestContext<CallToolRequestParams> request, CancellationToken cancellationToken = default)
    {
        try
        {
            var arguments = new ToolArguments(ProtocolTool.Name, _parameters, request.Params?.Arguments ?? new Dictionary<string, JsonElement>());
            var answer = new ToolAnswer(_maxBytes);
            await AnswerAsync(arguments, answer, cancellationToken).ConfigureAwait(false);
            return Result(answer.ToString(), isError: false);
        }
        catch (MlflowException e)
        {
            return Result(ToolText.Visible($"{e.ErrorCode}: {ToolText.Cut(e.Message, MaxErrorBytes)}"), isError: true);
        }
    }

    /// <exception cref="MlflowException">The arguments are wrong, or what they name is not there.</exception>
    protected abstract Task AnswerAsync(ToolArguments arguments, ToolAnswer answer, CancellationToken cancellationToken);

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none.</exception>
    protected async Task<Traces.TraceInfo> TraceAsync(string traceId, CancellationToken cancellationToken) =>
        await Source.FindTraceAsync(traceId, cancellationToken).ConfigureAwait(false)
            ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"There is no trace '{ToolText.Cut(traceId, 200)}'; search_traces finds those that are there.");

    private static CallToolResult Result(string text, bool isError) => new() { Content = [new TextContentBlock { Text = text }], IsError = isError };

    private static JsonElement Schema(ToolParameter[] parameters)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("type", "object");
            json.WriteStartObject("properties");
            foreach (var parameter in parameters)
            {
                WriteParameter(json, parameter);
            }

            json.WriteEndObject();
            json.WriteStartArray("required");
            foreach (var parameter in parameters.Where(parameter => parameter.IsRequired))
            {
                json.WriteStringValue(parameter.Name);
            }

            json.WriteEndArray();
            json.WriteBoolean("additionalProperties", false);
            json.WriteEndObject();
        }

        return JsonElement.Parse(stream.GetBuffer().AsSpan(0, (int)stream.Length));
    }

    private static void WriteParameter(Utf8JsonWriter json, ToolParameter parameter)
    {
        json.WriteStartObject(parameter.Name);
        json.WriteString("description", parameter.Description);
        switch (parameter.Type)
        {
            case ToolParameterType.Number:
                json.WriteString("type", "integer");
                json.WriteNumber("minimum", parameter.Minimum);
                if (parameter.Maximum != int.MaxValue)
                {
                    json.WriteNumber("maximum", parameter.Maximum);
                }

                json.WriteNumber("default", parameter.Default);
                break;
            case ToolParameterType.Flag:
                json.WriteString("type", "boolean");
                break;
            case ToolParameterType.Texts:
                json.WriteString("type", "array");
                json.WriteStartObject("items");
                json.WriteString("type", "string");
                json.WriteEndObject();
                break;
            default:
                json.WriteString("type", "string");
                if (parameter.Choices.Count > 0)
                {
                    json.WriteStartArray("enum");
                    foreach (var choice in parameter.Choices)
                    {
                        json.WriteStringValue(choice);
                    }

                    json.WriteEndArray();
                }

                break;
        }

        json.WriteEndObject();
    }
}
