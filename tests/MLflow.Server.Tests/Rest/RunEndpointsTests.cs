using MLflow.Server.Tests.Golden;
using Xunit;

namespace MLflow.Server.Tests.Rest;

public class RunEndpointsTests : IClassFixture<SomeServer>
{
    private const string Runs = "/api/2.0/mlflow/runs/";

    private readonly SomeServer _server;

    public RunEndpointsTests(SomeServer server) => _server = server;

    [Fact]
    public async Task Name_AsATag_IsBoundAndDeletedAsTheNameIs()
    {
        var id = (await _server.PostAsync(Runs + "create", """{"experiment_id":"0","run_name":"r"}""")).Body.GetProperty("run").GetProperty("info").GetProperty("run_id").GetString();
        var tooLong = new string('x', 251);
        foreach (var (call, body) in new (string, object)[]
        {
            ("set-tag", new { run_id = id, key = "mlflow.runName", value = tooLong }), ("log-batch", new { run_id = id, tags = new[] { new { key = "mlflow.runName", value = tooLong } } }),
            ("create", new { experiment_id = "0", tags = new[] { new { key = "mlflow.runName", value = tooLong } } }),
        })
        {
            var (status, answer) = await _server.PostAsync(Runs + call, body);
            Assert.Equal((400, "'run_name' exceeds the maximum length of 250 characters"), (status, answer.GetProperty("message").GetString()));
        }

        Assert.Equal("r", await NameAsync());
        Assert.Equal(200, (await _server.PostAsync(Runs + "delete-tag", new { run_id = id, key = "mlflow.runName" })).Status);
        Assert.Equal("", await NameAsync());

        async Task<string?> NameAsync() => (await _server.GetAsync(Runs + "get?run_id=" + id)).Body.GetProperty("run").GetProperty("info").GetProperty("run_name").GetString();
    }

    [Fact]
    public async Task Run_CreatedWithAnEmptyNameTag_HasOneName()
    {
        var created = await _server.PostAsync(Runs + "create", """{"experiment_id":"0","tags":[{"key":"mlflow.runName","value":""}]}""");

        var run = created.Body.GetProperty("run");
        var name = run.GetProperty("info").GetProperty("run_name").GetString();
        Assert.False(string.IsNullOrEmpty(name));
        Assert.Equal(name, run.GetProperty("data").GetProperty("tags").EnumerateArray().Single(tag => tag.GetProperty("key").GetString() == "mlflow.runName").GetProperty("value").GetString());
    }

    [Fact]
    public async Task Run_CreatedLoggedToAndEnded_IsReadBack()
    {
        var created = await _server.PostAsync(Runs + "create", """{"experiment_id":"0","user_id":"root","start_time":1,"run_name":"r1","tags":[{"key":"mlflow.runName","value":"r1"},{"key":"t","value":"1"}]}""");
        Assert.Equal(200, created.Status);
        Assert.Empty(WireShape.Check(created.Body, "run answer"));
        var info = created.Body.GetProperty("run").GetProperty("info");
        var id = info.GetProperty("run_id").GetString()!;
        Assert.Matches("^[0-9a-f]{32}$", id);
        Assert.Equal((id, "r1", "RUNNING", $"mlflow-artifacts:/0/{id}/artifacts"), (info.GetProperty("run_uuid").GetString(), info.GetProperty("run_name").GetString(), info.GetProperty("status").GetString(), info.GetProperty("artifact_uri").GetString()));

        await OkAsync("log-metric", new { run_uuid = id, run_id = id, key = "loss", value = 0.5, timestamp = 10, step = 1 });
        await OkAsync("log-parameter", new { run_id = id, key = "lr", value = "0.1" });
        await OkAsync("log-parameter", new { run_id = id, key = "lr", value = "0.1" });
        await OkAsync("set-tag", new { run_id = id, key = "t", value = "2" });
        await OkAsync("log-batch", $$"""{"run_id":"{{id}}","metrics":[{"key":"loss","value":0.25,"timestamp":"11","step":"2"},{"key":"loss","value":9,"timestamp":12,"step":1},{"key":"bad","value":"NaN","timestamp":1},{"key":"far","value":"-Infinity","timestamp":1}],"params":[{"key":"p","value":""}],"tags":[{"key":"gone","value":"x"}]}""");
        await OkAsync("delete-tag", new { run_id = id, key = "gone" });
        var updated = await _server.PostAsync(Runs + "update", new { run_uuid = id, status = "FINISHED", end_time = 20, run_name = "renamed" });
        Assert.Empty(WireShape.Check(updated.Body, "run info answer"));

        var read = await _server.GetAsync($"/ajax-api/2.0/mlflow/runs/get?run_uuid={id}&run_id={id}");
        Assert.Empty(WireShape.Check(read.Body, "run answer"));
        Assert.Equal(
            """
            {"metrics":[{"key":"bad","value":"NaN","timestamp":1,"step":0},{"key":"far","value":"-Infinity","timestamp":1,"step":0},{"key":"loss","value":0.25,"timestamp":11,"step":2}],
            "params":[{"key":"lr","value":"0.1"},{"key":"p","value":""}],"tags":[{"key":"mlflow.runName","value":"renamed"},{"key":"t","value":"2"}]}
            """.ReplaceLineEndings(""),
            read.Body.GetProperty("run").GetProperty("data").GetRawText());
        info = read.Body.GetProperty("run").GetProperty("info");
        Assert.Equal(("renamed", "FINISHED", 20), (info.GetProperty("run_name").GetString(), info.GetProperty("status").GetString(), info.GetProperty("end_time").GetInt32()));
    }

    [Fact]
    public async Task Run_WithoutAName_GetsOne()
    {
        var created = await _server.PostAsync(Runs + "create", new { experiment_id = "0" });

        var run = created.Body.GetProperty("run");
        Assert.Matches("^[a-z]+-[a-z]+-[0-9]+$", run.GetProperty("info").GetProperty("run_name").GetString());
        Assert.Equal(run.GetProperty("info").GetProperty("run_name").GetString(), run.GetProperty("data").GetProperty("tags")[0].GetProperty("value").GetString());
    }

    [Fact]
    public async Task Run_Deleted_TakesNothingUntilItIsRestored()
    {
        var id = await CreateAsync("0", "deleted one");
        await OkAsync("delete", new { run_id = id });

        foreach (var (call, body) in ((string, object)[])[
            ("log-metric", new { run_id = id, key = "k", value = 1, timestamp = 1 }),
            ("log-parameter", new { run_id = id, key = "k", value = "1" }),
            ("set-tag", new { run_id = id, key = "k", value = "1" }),
            ("delete-tag", new { run_id = id, key = "mlflow.runName" }),
            ("log-batch", new { run_id = id }),
            ("update", new { run_id = id, status = "FINISHED" })])
        {
            var refused = await _server.PostAsync(Runs + call, body);
            Assert.Equal((400, $"The run {id} must be in the 'active' state. Current state is deleted."), (refused.Status, refused.Body.GetProperty("message").GetString()));
        }

        Assert.Equal("deleted", (await _server.GetAsync(Runs + "get?run_id=" + id)).Body.GetProperty("run").GetProperty("info").GetProperty("lifecycle_stage").GetString());
        await OkAsync("restore", new { run_id = id });
        await OkAsync("set-tag", new { run_id = id, key = "k", value = "1" });
    }

    [Fact]
    public async Task Run_ParamThatChanges_RefusesTheWholeBatch()
    {
        var id = await CreateAsync("0", "params");
        await OkAsync("log-parameter", new { run_id = id, key = "lr", value = "1" });

        var refused = await _server.PostAsync(Runs + "log-batch", new { run_id = id, tags = new[] { new { key = "new", value = "x" } }, @params = new[] { new { key = "other", value = "x" }, new { key = "lr", value = "2" } } });

        Assert.Equal(400, refused.Status);
        Assert.StartsWith("Changing param values is not allowed. Param with key='lr'", refused.Body.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("""{"params":[{"key":"lr","value":"1"}],"tags":[{"key":"mlflow.runName","value":"params"}]}""", (await _server.GetAsync(Runs + "get?run_id=" + id)).Body.GetProperty("run").GetProperty("data").GetRawText());
    }

    [Theory]
    [InlineData("", "", "b a c")]
    [InlineData("status = 'RUNNING'", "start_time ASC", "c a b")]
    [InlineData("tags.team = 'red'", "run_name", "a b")]
    [InlineData("params.lr LIKE '0.%' and attributes.run_name != 'b'", "", "a")]
    [InlineData("metrics.loss < 0.5", "", "a")]
    [InlineData("metrics.loss < 0.5 OR NOT tags.team = 'red'", "", "a c")]
    [InlineData("start_time > 15", "tags.team DESC", "b a")]
    [InlineData("tags.`team` ILIKE 'R%'", "attributes.start_time DESC", "b a")]
    public async Task Search_FindsAndOrdersWhatItSays(string filter, string order, string expected)
    {
        var experiment = (await _server.PostAsync("/api/2.0/mlflow/experiments/create", new { name = $"runs {filter} {order}" })).Body.GetProperty("experiment_id").GetString()!;
        var (a, b, c) = (await CreateAsync(experiment, "a", 20), await CreateAsync(experiment, "b", 30), await CreateAsync(experiment, "c", 10));
        await OkAsync("log-batch", new { run_id = a, metrics = new[] { new { key = "loss", value = 0.1, timestamp = 1, step = 0 } }, @params = new[] { new { key = "lr", value = "0.1" } }, tags = new[] { new { key = "team", value = "red" } } });
        await OkAsync("log-batch", new { run_id = b, metrics = new[] { new { key = "loss", value = 0.9, timestamp = 1, step = 0 } }, @params = new[] { new { key = "lr", value = "0.2" } }, tags = new[] { new { key = "team", value = "red" } } });
        var deleted = await CreateAsync(experiment, "d", 40);
        await OkAsync("delete", new { run_id = deleted });

        var names = new List<string?>();
        string? token = null;
        do
        {
            var page = await _server.PostAsync(Runs + "search", new { experiment_ids = new[] { experiment }, filter, order_by = order.Length > 0 ? new[] { order } : [], run_view_type = "ACTIVE_ONLY", max_results = 2, page_token = token });
            Assert.Equal(200, page.Status);
            Assert.Empty(WireShape.Check(page.Body, "runs"));
            names.AddRange(page.Body.TryGetProperty("runs", out var runs) ? runs.EnumerateArray().Select(run => run.GetProperty("info").GetProperty("run_name").GetString()) : []);
            token = page.Body.TryGetProperty("next_page_token", out var next) ? next.GetString() : null;
        }
        while (token is not null);

        Assert.Equal(expected, string.Join(' ', names));
    }

    [Theory]
    [InlineData("create", """{"experiment_id":"777"}""", 404, "No Experiment with id=777 exists")]
    [InlineData("create", """{"experiment_id":"0","run_name":"a","tags":[{"key":"mlflow.runName","value":"b"}]}""", 400, "Both 'run_name' ('a') and the tag")]
    [InlineData("update", """{"run_id":"nope"}""", 404, "Run with id=nope not found")]
    [InlineData("update", """{"run_id":"nope","status":"DONE"}""", 400, "Invalid value DONE for parameter 'status' supplied")]
    [InlineData("delete", """{"run_id":"nope"}""", 404, "Run with id=nope not found")]
    [InlineData("log-metric", """{"run_id":"nope","key":"k","value":"much","timestamp":1}""", 400, "Invalid value much for parameter 'value' supplied")]
    [InlineData("log-metric", """{"run_id":"nope","key":"k","value":1}""", 400, "Missing value for required parameter 'timestamp'.")]
    [InlineData("log-batch", """{"run_id":"nope","params":[{"key":"a","value":"1"},{"key":"a","value":"1"}]}""", 400, "The param 'a' stands twice")]
    [InlineData("search", """{"experiment_ids":["0"],"filter":"nothing = 'x'"}""", 400, "Invalid attribute key 'nothing' specified.")]
    [InlineData("search", """{"experiment_ids":["0"],"order_by":["metrics.x"]}""", 400, "Invalid order_by clause 'metrics.x'")]
    [InlineData("search", """{"experiment_ids":["0"],"max_results":50001}""", 400, "Invalid value 50001 for parameter 'max_results' supplied.")]
    public async Task Wrong_Requests_AreToldSo(string call, string body, int status, string message)
    {
        var answer = await _server.PostAsync(Runs + call, body);

        Assert.Equal(status, answer.Status);
        Assert.StartsWith(message, answer.Body.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private async Task<string> CreateAsync(string experiment, string name, long? start = null) =>
        (await _server.PostAsync(Runs + "create", new { experiment_id = experiment, run_name = name, start_time = start })).Body.GetProperty("run").GetProperty("info").GetProperty("run_id").GetString()!;

    private async Task OkAsync(string call, object body)
    {
        var (status, answer) = await _server.PostAsync(Runs + call, body);
        Assert.Equal((200, "{}"), (status, answer.GetRawText()));
    }
}
