package apigateway

import (
	"net"
	"strings"
	"time"
	"unicode/utf8"
)

// tree is requestContext of this event. It is kept in the exchange for what reads $context.
// Source: Developer Guide, "Set up the integration request for WebSocket APIs" and "WebSocket API mapping template reference".
func (x *wsExchange) tree() map[string]any {
	id := x.def.API.ID
	identity := map[string]any{"sourceIp": x.sourceIP()}
	if ua := x.ctx.UserAgent(); ua != "" {
		identity["userAgent"] = ua
	}
	m := map[string]any{
		"routeKey": "", "eventType": x.event, "messageDirection": "IN", "stage": x.stage.StageName, "apiId": id,
		"connectionId": x.conn.id, "connectedAt": x.conn.opened.UnixMilli(), "domainName": x.domainName(), "identity": identity,
		"requestId": x.extendedID, "extendedRequestId": x.extendedID,
		"requestTime": x.start.UTC().Format("02/Jan/2006:15:04:05 -0700"), "requestTimeEpoch": x.start.UnixMilli(),
	}
	if x.route != nil {
		m["routeKey"] = x.route.RouteKey
	}
	if x.event == "MESSAGE" {
		m["messageId"] = x.messageID
	}
	if x.end != nil {
		m["disconnectStatusCode"], m["disconnectReason"] = int64(x.end.code), x.end.reason
	}
	x.socket = m
	return m
}

// routeARN is what an authorizer of a WebSocket API is asked about: …:<api>/<stage>/$connect.
func (x *wsExchange) routeARN() string {
	return x.executeARN() + "/" + x.stage.StageName + "/" + x.route.RouteKey
}

// socketAuthorizerEvent is the input of an authorizer on $connect. It has no path, resource or verb.
// Source: Developer Guide, "Create a Lambda REQUEST authorizer function for WebSocket APIs".
func (x *wsExchange) socketAuthorizerEvent() map[string]any {
	headers, multi := x.eventHeaders()
	query, multiQuery := x.eventQuery()
	return map[string]any{"type": "REQUEST", "methodArn": x.routeARN(), "headers": headers, "multiValueHeaders": multi,
		"queryStringParameters": query, "multiValueQueryStringParameters": multiQuery, "stageVariables": orEmpty(x.vars), "requestContext": x.tree()}
}

// socketProxyEvent is what a proxy integration hands to its function. Only CONNECT has the handshake's headers and query,
// only MESSAGE has a body.
func (x *wsExchange) socketProxyEvent() map[string]any {
	ctx := x.tree()
	ev := map[string]any{"requestContext": ctx, "isBase64Encoded": false}
	if x.auth != nil {
		m := map[string]any{}
		for k, v := range x.auth.context {
			m[k] = nil
			if v != nil {
				m[k] = *v
			}
		}
		m["principalId"], m["integrationLatency"] = x.auth.principal, x.authMS
		ctx["authorizer"] = m
	}
	if len(x.vars) > 0 {
		ev["stageVariables"] = x.vars
	}
	switch x.event {
	case "CONNECT":
		ev["headers"], ev["multiValueHeaders"] = x.eventHeaders()
		if len(x.query) > 0 {
			ev["queryStringParameters"], ev["multiValueQueryStringParameters"] = x.eventQuery()
		}
	case "MESSAGE":
		ev["body"] = string(x.body)
	case "DISCONNECT":
		single := map[string]string{"Host": x.ctx.Host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
		multi := map[string][]string{}
		for k, v := range single {
			multi[k] = []string{v}
		}
		ev["headers"], ev["multiValueHeaders"] = single, multi
	}
	return ev
}

// describe is the answer to GET @connections.
func (c *wsConn) describe() map[string]any {
	host, _, err := net.SplitHostPort(c.request.RemoteAddr)
	if err != nil {
		host = c.request.RemoteAddr
	}
	return map[string]any{"connectedAt": iso(c.opened), "lastActiveAt": iso(time.Unix(0, c.last.Load())),
		"identity": map[string]any{"sourceIp": host, "userAgent": nullable(c.request.UserAgent())}}
}

// messageKind is the opcode for what a backend sends.
func messageKind(body []byte) byte {
	if utf8.Valid(body) {
		return opText
	}
	return opBinary
}

// socketSourceName is a source of a WebSocket API in the words of REST APIs.
func socketSourceName(src string) string {
	if name, ok := strings.CutPrefix(src, "route.request."); ok {
		return "method.request." + name
	}
	return src
}
