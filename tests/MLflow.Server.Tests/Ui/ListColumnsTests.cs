using MLflow.Server.Traces.Filters;
using MLflow.Server.Ui.List;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class ListColumnsTests
{
    [Theory]
    [InlineData("time,request,tag.my%20key:200,feedback.ok")]
    [InlineData("request:300,latency:400")]
    [InlineData("tag.a%2Cb%3Ac,request")]
    public void Of_ItsOwnText_IsTheSame(string text) => Assert.Equal(text, ListColumns.Of(text).ToString());

    [Theory]
    [InlineData(null, "time,state,request,name,latency,tokens,cost,feedback")]
    [InlineData("", "time,state,request,name,latency,tokens,cost,feedback")]
    [InlineData("time", "time,request")]
    [InlineData("nonsense,tag.,time,time,<script>", "time,request")]
    [InlineData("request,cost:5,latency:999999,time:x,user:-4", "request,cost:40,latency:1200,time,user")]
    public void Of_WhatIsNone_IsPassedOver(string? text, string columns) => Assert.Equal(columns, ListColumns.Of(text).ToString());

    [Fact]
    public void Of_VeryMany_IsBounded() => Assert.InRange(ListColumns.Of(string.Join(',', Enumerable.Range(0, 500).Select(i => $"tag.{i}"))).All.Count, 1, ListColumns.Most + 1);

    [Fact]
    public void Changes_KeepWhatTheyDoNotSpeakOf()
    {
        var columns = ListColumns.Of("time,request,cost");

        Assert.Equal("time,request", columns.Toggled("cost").ToString());
        Assert.Equal("time,request,cost,tag.env", columns.Toggled("tag.env").ToString());
        Assert.Equal("time,request,cost", columns.Toggled("request").ToString());
        Assert.Equal("cost,time,request", columns.Moved("cost", 0).ToString());
        Assert.Equal("request,cost,time", columns.Moved("time", 99).ToString());
        Assert.Equal("time,request,cost", columns.Moved("none", 0).ToString());
        Assert.Equal("time,request,cost:90", columns.Resized("cost", 90).ToString());
        Assert.Equal((0, 2, -1), (columns.IndexOf("time"), columns.IndexOf("cost"), columns.IndexOf("none")));
    }

    [Fact]
    public void Css_Widths_LeaveTheRestToTheRequest()
    {
        var css = ListColumns.Of("time,request,tag.<b>;x,cost:90,name").Css;

        Assert.Contains("--cols:82px minmax(180px,1fr) 110px 90px 150px;", css, StringComparison.Ordinal);
        Assert.Contains("--cols-m:82px minmax(180px,1fr) 110px 90px;", css, StringComparison.Ordinal);
        Assert.Contains("--cols-p:82px minmax(180px,1fr);", css, StringComparison.Ordinal);
        Assert.DoesNotContain("<", css, StringComparison.Ordinal);
    }

    [Fact]
    public void Order_EveryColumnThatHasOne_IsTakenByTheStore()
    {
        foreach (var key in ListColumn.Fixed.Append("tag.my key").Append("metadata.a.b"))
        {
            if (new ListColumn(key).Order is { } order)
            {
                TraceOrder.Parse([order + " DESC"]);
            }
        }

        Assert.Null(new ListColumn("feedback.ok").Order);
        Assert.Null(new ListColumn("tag.a`b").Order);
    }
}
