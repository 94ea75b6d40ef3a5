using System.Text.Json;
using CsCheck;
using MLflow.Server.Conventions;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Conventions;

public sealed class ConventionMapperTests
{
    [Fact]
    public void Map_MlflowsOwnAttributes_Stay()
    {
        var span = Span(null, ("mlflow.spanType", "\"AGENT\""), ("mlflow.spanInputs", "{\"q\":1}"), ("gen_ai.operation.name", "\"chat\""), ("gen_ai.input.messages", Messages), ("gen_ai.usage.input_tokens", "3"));

        var mapped = ConventionMapper.Map(span with { Type = "AGENT" }, []);

        Assert.Equal(("AGENT", "{\"q\":1}"), (mapped.Type, mapped["mlflow.spanInputs"]));
        Assert.Equal("""{"input_tokens": 3}""", mapped["mlflow.chat.tokenUsage"]);
        Assert.Equal(span.Attributes, mapped.Sent!.Attributes);
    }

    [Fact]
    public void Map_WithoutAnyConvention_IsTheSameSpan()
    {
        var span = Span("app", ("http.request.method", "\"GET\""), ("error.type", "\"500\""), ("session.id", "\"s\""));

        Assert.Same(span, ConventionMapper.Map(span, []));
    }

    [Theory]
    [InlineData("chat", "CHAT_MODEL")]
    [InlineData("text_completion", "LLM")]
    [InlineData("generate_content", "LLM")]
    [InlineData("embeddings", "EMBEDDING")]
    [InlineData("execute_tool", "TOOL")]
    [InlineData("create_agent", "AGENT")]
    [InlineData("invoke_agent", "AGENT")]
    [InlineData("invoke_workflow", "WORKFLOW")]
    [InlineData("retrieval", "RETRIEVER")]
    [InlineData("agent_step", "CHAIN")]
    [InlineData("something_new", "UNKNOWN")]
    public void Map_Operation_IsTheType(string operation, string type) =>
        Assert.Equal(type, ConventionMapper.Map(Span(null, ("gen_ai.operation.name", $"\"{operation}\"")), []).Type);

    [Theory]
    [InlineData("gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens", "gen_ai.system")]
    [InlineData("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.provider.name")]
    public void Map_NamesOfEachVersion_AreKnown(string input, string output, string provider)
    {
        var mapped = ConventionMapper.Map(Span(null, ("gen_ai.operation.name", "\"chat\""), (input, "5"), (output, "\"7\""), (provider, "\"openai\""), ("gen_ai.request.model", "\"m\"")), []);

        Assert.Equal("""{"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}""", mapped["mlflow.chat.tokenUsage"]);
        Assert.Equal(("\"openai\"", "\"m\""), (mapped["mlflow.llm.provider"], mapped["mlflow.llm.model"]));
        Assert.Equal("""{"version":1,"conventions":["OpenTelemetry gen_ai"]}""", mapped["mlflow.convention"]);
    }

    [Theory]
    [InlineData("{\"input\":15,\"output\":7,\"total\":29,\"input_cached_tokens\":4,\"output_reasoning_tokens\":3}", 19, 10)]
    [InlineData("{\"input\":19,\"output\":10,\"total\":29,\"input_cached_tokens\":4,\"output_reasoning_tokens\":3}", 19, 10)]
    public void Map_PartsBesideTheWhole_AreAddedToIt(string usage, long input, long output)
    {
        var mapped = ConventionMapper.Map(Span("langfuse-sdk", ("langfuse.observation.type", "\"generation\""), ("langfuse.observation.usage_details", usage)), []);

        var counted = JsonElement.Parse(mapped["mlflow.chat.tokenUsage"]!);
        Assert.Equal((input, output), (counted.GetProperty("input_tokens").GetInt64(), counted.GetProperty("output_tokens").GetInt64()));
        Assert.Equal("""{"input_uncached":15,"input_cache_read":4,"output_text":7,"output_reasoning":3}""", mapped["mlflow.llm.usage_buckets"]);
    }

    [Fact]
    public void Map_UnknownTokens_StayUnknown()
    {
        Assert.Equal("""{"input_tokens": 8}""", ConventionMapper.Map(Span(null, ("gen_ai.operation.name", "\"embeddings\""), ("gen_ai.usage.input_tokens", "8")), [])["mlflow.chat.tokenUsage"]);
        Assert.Null(ConventionMapper.Map(Span(null, ("gen_ai.operation.name", "\"chat\"")), [])["mlflow.chat.tokenUsage"]);
    }

    [Fact]
    public void Map_MessagesWithEveryPart_AreAConversation()
    {
        var mapped = ConventionMapper.Map(
            Span(
                null,
                ("gen_ai.operation.name", "\"chat\""),
                ("gen_ai.system_instructions", """[{"type":"text","content":"Be terse."}]"""),
                ("gen_ai.input.messages", Messages),
                ("gen_ai.output.messages", """[{"role":"assistant","parts":[{"type":"reasoning","content":"hm"},{"type":"text","content":"14 °C."}],"finish_reason":"stop"}]"""),
                ("gen_ai.tool.definitions", """[{"type":"function","name":"get_weather","parameters":{"type":"object"}},{"type":"web_search"}]"""),
                ("gen_ai.request.temperature", "0.5")),
            []);

        Assert.Equal(
            """
            {"messages":[{"role":"system","content":"Be terse."},{"role":"user","content":[{"type":"text","text":"Weather?"},{"type":"image_url","image_url":{"url":"https://example.test/p.png"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AQI="}},{"type":"other","x":1}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}}]},{"role":"tool","content":"{\"temp_c\":14}","tool_call_id":"c1"}],"temperature":0.5}
            """,
            mapped["mlflow.spanInputs"]);
        Assert.Equal("""{"choices":[{"index":0,"message":{"role":"assistant","content":"14 °C.","reasoning_content":"hm"},"finish_reason":"stop"}]}""", mapped["mlflow.spanOutputs"]);
        Assert.Equal("""[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object"}}},{"type":"web_search"}]""", mapped["mlflow.chat.tools"]);
        Assert.Equal("\"openai\"", mapped["mlflow.message.format"]);
    }

    [Fact]
    public void Map_OpenInferenceWithoutValues_IsBuiltOfItsMessages()
    {
        var mapped = ConventionMapper.Map(
            Span(
                "openinference.instrumentation.x",
                ("openinference.span.kind", "\"LLM\""),
                ("llm.model_name", "\"m\""),
                ("llm.input_messages.1.message.role", "\"user\""),
                ("llm.input_messages.1.message.contents.0.message_content.type", "\"text\""),
                ("llm.input_messages.1.message.contents.0.message_content.text", "\"Hello?\""),
                ("llm.output_messages.0.message.role", "\"assistant\""),
                ("llm.output_messages.0.message.tool_calls.0.tool_call.id", "\"c1\""),
                ("llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "\"f\""),
                ("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", """{"a":1}"""),
                ("llm.tools.0.tool.json_schema", """{"type":"function","function":{"name":"f"}}"""),
                ("session.id", "\"s\"")),
            []);

        Assert.Equal(("LLM", "\"m\""), (mapped.Type, mapped["mlflow.llm.model"]));
        Assert.Equal("""{"messages":[{"role":"user","content":"Hello?"}]}""", mapped["mlflow.spanInputs"]);
        Assert.Equal("""{"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}}]}""", mapped["mlflow.spanOutputs"]);
        Assert.Equal("""[{"type":"function","function":{"name":"f"}}]""", mapped["mlflow.chat.tools"]);
    }

    [Fact]
    public void Map_Retriever_HasDocumentsInMlflowsForm()
    {
        var mapped = ConventionMapper.Map(
            Span(
                "openinference.instrumentation.x",
                ("openinference.span.kind", "\"RETRIEVER\""),
                ("input.value", "\"what?\""),
                ("retrieval.documents.0.document.content", "\"text\""),
                ("retrieval.documents.0.document.id", "\"d1\""),
                ("retrieval.documents.0.document.score", "0.5"),
                ("retrieval.documents.0.document.metadata", """{"doc_uri":"u"}""")),
            []);

        Assert.Equal("""[{"page_content":"text","metadata":{"doc_uri":"u","relevance_score":0.5},"id":"d1"}]""", mapped["mlflow.spanOutputs"]);
    }

    [Fact]
    public void Map_Logfire_IsRead()
    {
        var mapped = ConventionMapper.Map(
            Span(
                "logfire.openai",
                ("request_data", """{"messages":[{"role":"user","content":"Hello?"}],"model":"m","tools":[{"type":"function","function":{"name":"f"}}]}"""),
                ("response_data", """{"message":{"role":"assistant","content":"Hi."},"usage":{"total_tokens":3}}"""),
                ("gen_ai.request.model", "\"m\""),
                ("gen_ai.usage.input_tokens", "1"),
                ("gen_ai.usage.output_tokens", "2")),
            []);

        Assert.Equal("CHAT_MODEL", mapped.Type);
        Assert.Contains("\"Hello?\"", mapped["mlflow.spanInputs"], StringComparison.Ordinal);
        Assert.Equal("""{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi."}}]}""", mapped["mlflow.spanOutputs"]);
        Assert.NotNull(mapped["mlflow.chat.tools"]);
        Assert.Contains("Logfire", mapped["mlflow.convention"], StringComparison.Ordinal);

        var agent = ConventionMapper.Map(
            Span(
                "pydantic-ai",
                ("agent_name", "\"bot\""),
                ("all_messages_events", """[{"event.name":"gen_ai.user.message","content":"Hello?"},{"event.name":"gen_ai.choice","message":{"content":"Hi."}}]"""),
                ("final_result", "\"Hi.\"")),
            []);
        Assert.Equal(("AGENT", """{"messages":[{"role":"user","content":"Hello?"}]}""", "\"Hi.\""), (agent.Type, agent["mlflow.spanInputs"], agent["mlflow.spanOutputs"]));
    }

    [Fact]
    public void Keys_OfAPrefix_AreThoseThatBeginSo()
    {
        string[] names = ["", "a", "a.", "a.0", "a.0.b", "a.00.b", "a.1.b", "a.10.c", "a.2.b", "a/", "ab", "b", "\uffff", "é"];
        var source = new SpanSource(Span(null, [.. names.Reverse().Select(name => (name, "1"))]));

        foreach (var prefix in names.Append("a.1").Append("zz"))
        {
            Assert.Equal(names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal), source.KeysFrom(prefix));
        }

        Assert.Equal([(0, "a.0."), (1, "a.1."), (2, "a.2."), (10, "a.10.")], NumberedKeys.Groups(source, "a."));
    }

    [Theory]
    [InlineData("langfuse-sdk", "langfuse.observation.level", "ERROR", SpanStatus.Unset, SpanStatus.Error)]
    [InlineData("langfuse-sdk", "langfuse.observation.level", "WARNING", SpanStatus.Unset, SpanStatus.Unset)]
    [InlineData(null, "error.type", "401", SpanStatus.Unset, SpanStatus.Error)]
    [InlineData(null, "error.type", "401", SpanStatus.Ok, SpanStatus.Ok)]
    public void Map_FailureThatTheStatusDoesNotTell_IsAnError(string? scope, string key, string value, SpanStatus sent, SpanStatus expected)
    {
        var span = Span(scope, (key, $"\"{value}\""), scope is null ? ("gen_ai.operation.name", "\"chat\"") : ("langfuse.observation.type", "\"tool\"")) with { Status = sent };

        var mapped = ConventionMapper.Map(span, []);

        Assert.Equal((expected, sent), (mapped.Status, mapped.Sent!.Status));
    }

    [Fact]
    public void Map_LangSmithsException_CountsAgainstItsStatus()
    {
        var span = Span("langsmith", ("langsmith.span.kind", "\"llm\"")) with
        {
            Status = SpanStatus.Ok,
            Events = [new SpanEventRecord("exception", 1, [new("exception.message", "\"boom\"")])],
        };

        var mapped = ConventionMapper.Map(span, []);

        Assert.Equal((SpanStatus.Error, "boom"), (mapped.Status, mapped.StatusMessage));
    }

    [Theory]
    [InlineData("\"conv-1\"", "\"conv-1\"")]
    [InlineData("\"resp_123\"", null)]
    public void Map_Conversation_IsTheSessionUnlessItIsAResponse(string conversation, string? session) =>
        Assert.Equal(session, ConventionMapper.Map(Span(null, ("gen_ai.operation.name", "\"chat\""), ("gen_ai.conversation.id", conversation)), [])["session.id"]);

    [Fact]
    public void Map_ExceptionOfALog_IsAnEventOfTheSpanInItsOrder()
    {
        var span = Span(null, ("gen_ai.operation.name", "\"chat\"")) with { Events = [new SpanEventRecord("a", 1, []), new SpanEventRecord("c", 3, [])] };

        var mapped = ConventionMapper.Map(span, [new SpanEventRecord("exception", 2, [])]);

        Assert.Equal(["a", "exception", "c"], mapped.Events.Select(e => e.Name));
        Assert.Equal(2, mapped.Sent!.Events.Count);
    }

    [Fact]
    public void Map_AnyJsonAnywhere_NeitherThrowsNorLosesWhatWasSent()
    {
        var keys = Tables().ToArray();
        var json = Gen.OneOf(
            "null", "1", "-1", "1e400", "true", "\"\"", "\"text\"", "\"{\"", "\"{\\\"a\\\":1}\"", "\"[{\\\"role\\\":1}]\"", "{}", "[]", "[[]]", "[null]", "[1,\"a\"]", "{\"role\":\"user\"}", "[{\"role\":\"user\",\"parts\":{}}]",
            "[{\"role\":\"user\",\"parts\":[1,{\"type\":\"tool_call\",\"name\":\"f\",\"arguments\":[{}]},{\"type\":\"blob\",\"modality\":\"image\"}]}]", "{\"messages\":[{\"kwargs\":{}}],\"messages\":1}",
            "{\"messages\":[[{\"kwargs\":{\"content\":[1]},\"id\":[\"X\"]}]]}", "{\"a\":{\"b\":" + new string('[', 200) + new string(']', 200) + "}}", "[{\"function\":{\"name\":1}}]", "{\"input\":\"x\",\"total\":1.5}", "\"\\uFFFD\"");
        var attribute = Gen.Select(Gen.OneOf(keys), json, (key, value) => (Key: key, Value: value));
        var scopes = Gen.OneOf(ConventionTables.All.SelectMany(table => table.Scopes).Append("app").ToArray());
        Gen.Select(scopes, attribute.Array[1, 12], attribute.Array[0, 4]).Sample((scope, attributes, events) =>
        {
            var span = Span(scope, attributes) with { Events = [.. events.Select((e, i) => new SpanEventRecord(e.Key, i, [new("gen_ai.event.content", e.Value), new("body", e.Value)]))] };
            var mapped = ConventionMapper.Map(span, []);
            Assert.All(mapped.Mapped, pair => Assert.True(StoredJson.IsJson(pair.Value), $"{pair.Key} is {pair.Value}"));
            Assert.Equal(span.Attributes, (mapped.Sent ?? mapped).Attributes);
        });
    }

    [Fact]
    public void Tables_KeysOfAll_AreReadAtAll() =>
        Assert.All(ConventionTables.All.Where(table => table.Scopes.Count == 0).SelectMany(Keys).Where(key => key is not ("session.id" or "user.id" or "error.type" or ".message")), key => Assert.True(ConventionTables.Reads(key), key));

    private const string Messages = """
        [{"role":"user","parts":[{"type":"text","content":"Weather?"},{"type":"uri","modality":"image","uri":"https://example.test/p.png"},{"type":"blob","modality":"image","mime_type":"image/png","content":"AQI="},{"type":"other","x":1}]},
        {"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"get_weather","arguments":{"city": "Paris"}}]},
        {"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":{"temp_c":14}}]}]
        """;

    private static IEnumerable<string> Tables() => ConventionTables.All.SelectMany(Keys).SelectMany(key => key.EndsWith('.') ? new[]
    {
        key + "0.content", key + "0.message.content", key + "0.message.role", key + "1.role", key + "0.name", key + "0.tool_calls.0.name", key + "0.message.tool_calls.0.tool_call.function.name",
        key + "0.tool.json_schema", key + "0.embedding.text", key + "0.document.metadata", key + "99999999999.role", key + "x.role",
    }
    : [key]).Distinct();

    private static IEnumerable<string> Keys(ConventionTable table) => table.Types.Select(row => row.Key).Where(key => key != TypeRow.NameOfSpan)
        .Concat(table.Inputs.Concat(table.Outputs).Concat(table.Tools).Concat(table.Costs).Select(row => row.Key))
        .Concat(table.Models).Concat(table.Providers).Concat(table.Usage.Select(row => row.Key)).Concat(table.Sessions).Concat(table.Users)
        .Concat(table.FirstTokens.Select(row => row.Key)).Concat(table.Errors.Select(row => row.Key ?? "error.type"));

    private static SpanRecord Span(string? scope, params (string Key, string Value)[] attributes) => new()
    {
        TraceId = "tr-1",
        OtelTraceId = new string('1', 32),
        SpanId = new string('1', 16),
        Name = "s",
        Type = "UNKNOWN",
        StartNs = 1,
        EndNs = 2,
        ScopeName = scope,
        Attributes = [.. attributes.Select(a => KeyValuePair.Create(a.Key, a.Value))],
    };
}
