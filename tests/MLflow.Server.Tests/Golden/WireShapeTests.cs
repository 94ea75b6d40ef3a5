using System.Text.Json;
using Xunit;

namespace MLflow.Server.Tests.Golden;

public sealed class WireShapeTests
{
    [Theory]
    [InlineData("pair", """{"key":"k","value":"v"}""", "")]
    [InlineData("pair", """{"key":"k"}""", "pair.value is missing")]
    [InlineData("pair", """{"key":"k","value":"v","more":1}""", "pair.more should not be there")]
    [InlineData("pair", """{"key":"k","value":1}""", "pair.value is 1, not text")]
    [InlineData("deleted", """{"traces_deleted":"1"}""", "deleted.traces_deleted is 1, not int")]
    [InlineData("found", """{"traces":[]}""", "found.traces is empty, and should be left out")]
    [InlineData("trace data", """{"spans":[{"trace_id":"AA==","span_id":"AA==","parent_span_id":null,"name":"","start_time_unix_nano":1,"end_time_unix_nano":null,"events":[],"status":{"code":"X","message":""},"attributes":{}}]}""", "trace data.spans[0].status.code is X, not STATUS_CODE_UNSET|STATUS_CODE_OK|STATUS_CODE_ERROR")]
    public void Check_Value_SaysWhatIsWrong(string shape, string json, string expected) =>
        Assert.Equal(expected, string.Join('\n', WireShape.Check(JsonDocument.Parse(json).RootElement, shape)));
}
