using MLflow.Server.Traces.Filters;
using MLflow.Server.Ui.List;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class FilterViewTests
{
    [Fact]
    public void Chips_Conditions_SayTheirClausesInWords()
    {
        var view = new FilterView("status = 'ERROR' AND trace.execution_time_ms > 500 AND tags.`my key` != \"it's\" AND metadata.`mlflow.trace.user` IS NULL AND trace.text ILIKE '%tokyo%'");

        Assert.Equal(
            ["status is: ERROR", "latency in ms over: 500", "tag my key is not: it's", "user is absent: ", "text has: tokyo"],
            view.Chips.Select(chip => $"{chip.Words}: {chip.Value}"));
        Assert.Null(view.Problem);
    }

    [Theory]
    [InlineData("status = 'OK' AND (name = 'a' OR name = 'b')", new[] { "status is OK", " (name = 'a' OR name = 'b')" })]
    [InlineData("status = 'OK' OR name = 'b'", new[] { " status = 'OK' OR name = 'b'" })]
    [InlineData("NOT status = 'OK' AND status IN ('OK', 'ERROR')", new[] { " NOT status = 'OK'", "status is OK, ERROR" })]
    [InlineData("name = 'a AND b';", new[] { "name is a AND b" })]
    [InlineData("AND AND name = 'a' AND", new[] { "name is a" })]
    [InlineData("", new string[0])]
    public void Chips_WhatNoWordsSay_IsShownAsItIsTyped(string filter, string[] chips) =>
        Assert.Equal(chips, new FilterView(filter).Chips.Select(chip => $"{chip.Words} {chip.Value}"));

    [Fact]
    public void Without_EachChip_RewritesTheQuery()
    {
        var view = new FilterView("status = 'ERROR'  AND  (name = 'a' OR name = 'b') AND cost > 1");

        Assert.Equal("(name = 'a' OR name = 'b') AND cost > 1", view.Without(view.Chips[0]));
        Assert.Equal("status = 'ERROR' AND cost > 1", view.Without(view.Chips[1]));
        Assert.Equal("status = 'ERROR' AND (name = 'a' OR name = 'b')", view.Without(view.Chips[2]));
        Assert.Equal("", new FilterView("name = 'a'").Without(new FilterView("name = 'a'").Chips[0]));
    }

    [Fact]
    public void With_OrInFilter_KeepsItsMeaning() => Assert.Equal("(name = 'a' OR name = 'b') AND cost > 1", new FilterView("name = 'a' OR name = 'b'").With("cost > 1"));

    [Theory]
    [InlineData("trace.status = 'ERROR' AND trace.latncy > 2", 28, "unknown field trace.latncy. Did you mean trace.execution_time_ms?", "trace.status = 'ERROR' AND trace.execution_time_ms > 2")]
    [InlineData("statsu = 'OK'", 1, "unknown field statsu. Did you mean trace.status?", "trace.status = 'OK'")]
    [InlineData("span.tpye = 'TOOL'", 1, "unknown field span.tpye. Did you mean span.type?", "span.type = 'TOOL'")]
    [InlineData("user = 'mika'", 1, "unknown field user. Did you mean metadata.`mlflow.trace.user`?", "metadata.`mlflow.trace.user` = 'mika'")]
    public void Problem_UnknownField_SuggestsTheNearest(string filter, int position, string words, string mended)
    {
        var view = new FilterView(filter);

        Assert.Equal((position, words), (view.Problem!.Position, view.Problem.Words));
        Assert.Equal(mended, view.Mended);
        TraceFilter.Parse(view.Mended);
    }

    [Theory]
    [InlineData("status > 'a'", 8)]
    [InlineData("name = 'a' AND status = ", 23)]
    [InlineData("name = 'abc", 8)]
    [InlineData("name = 'a' name = 'b'", 12)]
    [InlineData("xyzzyxyzzy = 'a'", 1)]
    [InlineData("name = 'a' AND )", 16)]
    [InlineData("(name = 'a'", 1)]
    public void Problem_AnyMistake_IsToldAtItsCharacterWithoutPosition(string filter, int position)
    {
        var view = new FilterView(filter);

        Assert.Equal(Math.Min(position, filter.Length), view.Problem!.Position);
        Assert.DoesNotContain("(at position", view.Problem.Words, StringComparison.Ordinal);
        Assert.Null(view.Mended);
        Assert.Contains(view.Pieces, piece => piece.Css == "bad");
    }

    [Fact]
    public void Holding_OneWrong_AreTheOthers()
    {
        var view = new FilterView("status = 'ERROR' AND latncy > 2 AND name = 'a'");

        Assert.Equal("status = 'ERROR' AND name = 'a'", view.Holding);
        Assert.Equal([false, true, false], view.Chips.Select(chip => chip.IsWrong));
    }

    [Theory]
    [InlineData("status = 'ERROR' AND (tags.`a b` > 5")]
    [InlineData("  name   =  'a'  ")]
    [InlineData("'open")]
    [InlineData("a = 'b' ' ")]
    [InlineData("\0")]
    [InlineData("東京 = '大阪'")]
    public void Pieces_AnyText_AreTheWholeText(string filter) => Assert.Equal(filter, string.Concat(new FilterView(filter).Pieces.Select(piece => piece.Text)));

    [Fact]
    public void Pieces_RandomText_AreTheWholeTextAndNeverFail()
    {
        var random = new Random(17);
        var parts = new[] { "status", "=", "'a'", "AND", "OR", "NOT", "(", ")", " ", "'", "\"", "`", "1.5", "tags.", ">", "IN", ",", "IS NULL", ";", "é", "\ud83d" };
        for (var i = 0; i < 3000; i++)
        {
            var filter = string.Join(random.Next(2) == 0 ? " " : "", Enumerable.Range(0, random.Next(10)).Select(_ => parts[random.Next(parts.Length)]));
            var view = new FilterView(filter);

            Assert.Equal(filter, string.Concat(view.Pieces.Select(piece => piece.Text)));
            TraceFilter.Parse(view.Holding);
            Assert.All(view.Chips, chip => Assert.DoesNotContain(filter[chip.Start..chip.End], (string[])[""]));
        }
    }

    [Fact]
    public void Pieces_Colours_FollowTheGrammar() => Assert.Equal(
        [("status", "fd"), ("=", "op"), ("'OK'", "vl"), ("AND", "kw"), ("cost", "fd"), (">", "op"), ("1", "vl")],
        new FilterView("status = 'OK' AND cost > 1").Pieces.Where(piece => piece.Css is not null).Select(piece => (piece.Text, piece.Css!)));

    [Theory]
    [InlineData("trace.status", null, "=", "ERROR", "trace.status = 'ERROR'")]
    [InlineData("trace.execution_time_ms", null, ">", " 500 ", "trace.execution_time_ms > 500")]
    [InlineData("trace.execution_time_ms", null, ">", "slow", null)]
    [InlineData("trace.text", null, "ILIKE", "tokyo", "trace.text ILIKE '%tokyo%'")]
    [InlineData("tags.", "my key", "!=", "it's", "tags.`my key` != \"it's\"")]
    [InlineData("tags.", "a`b", "=", "x", null)]
    [InlineData("tags.", "", "=", "x", null)]
    [InlineData("tags.", "env", "IS NULL", null, "tags.env IS NULL")]
    [InlineData("span.name", null, "IN", "a, b", "span.name IN ('a', 'b')")]
    [InlineData("span.name", null, "=", "it's \"so\"", null)]
    [InlineData("trace.name", null, "=", "", null)]
    [InlineData("span.attributes.", "gen_ai.usage.cost", ">=", "1e3", "span.attributes.`gen_ai.usage.cost` >= 1e3")]
    public void Write_Builder_GivesClausesThatHold(string field, string? key, string comparison, string? value, string? clause)
    {
        var written = FilterClauseText.Write(FilterField.All.Single(each => each.Text == field), key, comparison, value);

        Assert.Equal(clause, written);
        TraceFilter.Parse(written);
    }

    [Fact]
    public void Fields_EveryOperator_IsOneThatTheServerTakes()
    {
        foreach (var field in FilterField.All)
        {
            foreach (var comparison in field.Operators)
            {
                var written = FilterClauseText.Write(field, "key", comparison, field.IsNumber || comparison is ">" or ">=" or "<" or "<=" ? "5" : "name/1");
                TraceFilter.Parse(written);
                Assert.NotEmpty(new FilterView(written).Chips[0].Words);
            }
        }
    }
}
